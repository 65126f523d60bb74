/** @module */

import assert from "node:assert/strict";
import { atRest } from "../../src/async/at_rest.ts";

const QUIET_MS = 10;

const WORK = { work: true };
const PROBE = { work: false };

/** What is at rest, how often it acted, and a wait for the next time. */
function counted() {
  let acted = 0;
  let next = Promise.withResolvers<void>();
  const rest = atRest({
    quietMs: QUIET_MS,
    act() {
      acted++;
      next.resolve();
      next = Promise.withResolvers();
    },
  });
  return {
    begin: rest.begin,
    count: () => acted,
    next: () => next.promise,
    [Symbol.dispose]: () => rest[Symbol.dispose](),
  };
}

/** Long enough that what is due has been done. */
function afterQuiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS * 5));
}

Deno.test("atRest() acts once after the start", async () => {
  using rest = counted();
  await rest.next();
  await afterQuiet();
  assert.equal(rest.count(), 1);
});

Deno.test("atRest() acts after work, and not before all of it has ended", async () => {
  using rest = counted();
  const long = rest.begin();
  rest.begin()(WORK);
  await afterQuiet();
  assert.equal(rest.count(), 0);
  long(WORK);
  await rest.next();
  rest.begin()(WORK);
  await rest.next();
  assert.equal(rest.count(), 2);
});

Deno.test("atRest() waits for what is no work, and does not act for it", async () => {
  using rest = counted();
  const probe = rest.begin();
  await afterQuiet();
  assert.equal(rest.count(), 0);
  probe(PROBE);
  await rest.next();
  rest.begin()(PROBE);
  await afterQuiet();
  assert.equal(rest.count(), 1);
});

Deno.test("atRest() does nothing once it is disposed of", async () => {
  const rest = counted();
  const late = rest.begin();
  rest[Symbol.dispose]();
  late(WORK);
  await afterQuiet();
  assert.equal(rest.count(), 0);
});
