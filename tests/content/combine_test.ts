/**
 * Sources made of sources: who is asked, and whose error is passed on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { filtered, firstOf } from "../../src/content/combine.ts";
import { contentFilter } from "../../src/content/filter.ts";
import { memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { RegistryError } from "../../src/oci/error.ts";
import { CONTENT, LAYER } from "../suites/content.ts";
import {
  assertSameBytes,
  mustOpen,
  patient,
  readAll,
  requestFor,
  tagged,
} from "../suites/source_requests.ts";
import { filledMemory } from "./filled_memory.ts";

const REQUEST = requestFor("blob", LAYER);

/** A source that does the same for every call, and counts them. */
function always(
  answer: () => Promise<null>,
): ContentSource & { asked: string[] } {
  const asked: string[] = [];
  const call = (name: string) => () => {
    asked.push(name);
    return answer();
  };
  return {
    asked,
    resolve: call("resolve"),
    stat: call("stat"),
    open: call("open"),
  };
}

const empty = () => always(() => Promise.resolve(null));
const failing = (error: unknown) => always(() => Promise.reject(error));

async function askAll(source: ContentSource): Promise<unknown[]> {
  const answers = await Promise.allSettled([
    source.resolve(tagged("v1"), patient()),
    source.stat(REQUEST, patient()),
    source.open(REQUEST, patient()),
  ]);
  return answers.map((answer) =>
    answer.status === "fulfilled" ? answer.value : answer.reason
  );
}

Deno.test("firstOf() asks nobody behind the one that has it", async () => {
  const behind = empty();
  const source = firstOf(filledMemory(CONTENT), behind);
  assert.ok(await source.resolve(tagged("v1"), patient()));
  assert.ok(await source.stat(REQUEST, patient()));
  await (await mustOpen(source, "blob", LAYER)).body.cancel();
  assert.deepEqual(behind.asked, []);
});

Deno.test("firstOf() asks each in turn and has nothing when none has", async () => {
  const sources = [empty(), empty()];
  assert.deepEqual(await askAll(firstOf(...sources)), [null, null, null]);
  for (const { asked } of sources) {
    assert.deepEqual(asked, ["resolve", "stat", "open"]);
  }
});

Deno.test("firstOf() of nothing has nothing", async () => {
  assert.deepEqual(await askAll(firstOf()), [null, null, null]);
});

Deno.test("firstOf() goes past one that fails", async () => {
  const source = firstOf(failing(new Error("broken")), filledMemory(CONTENT));
  const { body } = await mustOpen(source, "blob", LAYER);
  assertSameBytes(await readAll(body), LAYER.bytes, "layer");
});

Deno.test("firstOf() passes the failure on when nobody has it", async () => {
  const error = new Error("broken");
  const answers = await askAll(firstOf(empty(), failing(error), empty()));
  assert.deepEqual(answers, [error, error, error]);
});

Deno.test("firstOf() takes a registry's no for an answer", async () => {
  const no = new RegistryError("RANGE_INVALID", "no");
  const behind = empty();
  const answers = await askAll(firstOf(empty(), failing(no), behind));
  assert.deepEqual(answers, [no, no, no]);
  assert.deepEqual(behind.asked, []);
});

Deno.test("filtered() hides what is not allowed and does not ask for it", async () => {
  const behind = empty();
  const source = filtered(behind, {
    allowsTag: () => false,
    allowsContent: () => false,
  });
  assert.deepEqual(await askAll(source), [null, null, null]);
  assert.deepEqual(behind.asked, []);
});

Deno.test("filtered() lets tags and content through each by its own rule", async () => {
  const filter = contentFilter({
    mirroredRegistries: [],
    registryFilters: [],
    resolveTags: false,
    resolveLatestTag: true,
  });
  const source = filtered(filledMemory(CONTENT), filter);
  assert.equal(await source.resolve(tagged("v1"), patient()), null);
  assert.ok(await source.stat(REQUEST, patient()));
});

Deno.test("filtered() can be asked the same refused thing twice", async () => {
  const source = filtered(memoryStore(), {
    allowsTag: () => false,
    allowsContent: () => false,
  });
  assert.deepEqual(await askAll(source), await askAll(source));
});
