/**
 * A body that goes on through whatever its sources do.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type PresentSource,
  resumedBody,
  type ResumeOptions,
  type StartedBody,
} from "../../src/mirror/resume.ts";
import { fakeBody } from "./fake_body.ts";

/** What a resumed body told. */
interface Told {
  readonly breaks: string[];
  readonly reopened: number[];
  readonly bytes: Record<string, number>;
  readonly ends: boolean[];
}

/** Streams 10 bytes from `started`, and from `next` where it goes on. */
function resumed(
  started: StartedBody,
  next: (StartedBody | null)[] = [],
  options: Partial<ResumeOptions> = {},
): { body: ReadableStream<Uint8Array>; told: Told } {
  const told: Told = { breaks: [], reopened: [], bytes: {}, ends: [] };
  const body = resumedBody(started, {
    length: 10,
    reopen(offset) {
      told.reopened.push(offset);
      return Promise.resolve(next.shift() ?? null);
    },
    onBreak: (from, reason, offset) =>
      void told.breaks.push(`${from} ${reason} ${offset}`),
    onBytes(from, bytes) {
      told.bytes[from] = (told.bytes[from] ?? 0) + bytes;
    },
    onEnd: (whole) => void told.ends.push(whole),
    stallMs: 20,
    ...options,
  });
  return { body, told };
}

/** Reads to the end; what came before an error is kept. */
async function readAll(body: ReadableStream<Uint8Array>) {
  let text = "";
  try {
    for await (const chunk of body) text += new TextDecoder().decode(chunk);
  } catch (error) {
    return { text, error: error instanceof Error ? error.message : "?" };
  }
  return { text, error: null };
}

Deno.test.each([
  { pieces: ["0123456789"] },
  { pieces: ["0123", "456789"] },
  { pieces: ["0", "1", "23", "456", "789"] },
])("resumedBody() passes on $pieces", async ({ pieces }) => {
  const { body, told } = resumed(fakeBody("a", pieces, "end"));
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
  assert.deepEqual(told, {
    breaks: [],
    reopened: [],
    bytes: { a: 10 },
    ends: [true],
  });
});

Deno.test("resumedBody() ends with its last byte, not with its source", async () => {
  const source = fakeBody("a", ["0123456789"], "hang");
  const { body, told } = resumed(source);
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
  assert.deepEqual(told.ends, [true]);
});

Deno.test("resumedBody() does not mind how a source ends after its last byte", async () => {
  const { body } = resumed(fakeBody("a", ["0123456789"], "break"));
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
});

Deno.test("resumedBody() lets go of a source that has more than the last byte", async () => {
  const source = fakeBody("a", ["0123456789", "more"], "hang");
  const { body } = resumed(source);
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
  await source.cancelled;
});

Deno.test("resumedBody() passes on content without bytes", async () => {
  const { body, told } = resumed(fakeBody("a", [""], "end"), [], { length: 0 });
  assert.deepEqual(await readAll(body), { text: "", error: null });
  assert.deepEqual(told.ends, [true]);
});

Deno.test.each(
  [
    { then: "break", reason: "broken" },
    { then: "end", reason: "short" },
    { then: "hang", reason: "stalled" },
  ] as const,
)(
  "resumedBody() goes on at the byte where its source is $reason",
  async ({ then, reason }) => {
    const { body, told } = resumed(fakeBody("a", ["01", "23"], then), [
      fakeBody("b", ["45", "6789"], "end"),
    ]);
    assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
    assert.deepEqual(told, {
      breaks: [`a ${reason} 4`],
      reopened: [4],
      bytes: { a: 4, b: 6 },
      ends: [true],
    });
  },
);

Deno.test("resumedBody() takes nothing of a chunk that is too long", async () => {
  const { body, told } = resumed(fakeBody("a", ["0123", "456789x"], "end"), [
    fakeBody("b", ["456789"], "end"),
  ]);
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
  assert.deepEqual(told.breaks, ["a long 4"]);
});

Deno.test("resumedBody() takes nothing of a first chunk that is too long", async () => {
  const { body, told } = resumed(fakeBody("a", ["0123456789x"], "end"), [
    fakeBody("b", ["0123456789"], "end"),
  ]);
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
  assert.deepEqual(told.breaks, ["a long 0"]);
});

Deno.test("resumedBody() goes on through several sources", async () => {
  const { body, told } = resumed(fakeBody("a", ["0"], "break"), [
    fakeBody("b", ["12"], "hang"),
    fakeBody("c", ["34", "5"], "end"),
    fakeBody("a", ["6789"], "end"),
  ]);
  assert.deepEqual(await readAll(body), { text: "0123456789", error: null });
  assert.deepEqual(told, {
    breaks: ["a broken 1", "b stalled 3", "c short 6"],
    reopened: [1, 3, 6],
    bytes: { a: 5, b: 2, c: 3 },
    ends: [true],
  });
});

Deno.test.each(
  ["break", "end", "hang"] as const,
)("resumedBody() errors when nobody goes on after %s", async (then) => {
  const { body, told } = resumed(fakeBody("a", ["0123"], then), [null]);
  const { text, error } = await readAll(body);
  assert.equal(text, "0123");
  assert.match(error ?? "", /^the body ended at byte 4: /);
  assert.deepEqual(told.ends, [false]);
});

Deno.test("resumedBody() errors when looking for another source fails", async () => {
  const { body, told } = resumed(fakeBody("a", ["0123"], "end"), [], {
    reopen: () => Promise.reject(new Error("no router")),
  });
  assert.deepEqual(await readAll(body), { text: "0123", error: "no router" });
  assert.deepEqual(told.ends, [false]);
});

Deno.test("resumedBody() lets go of a source that it leaves", async () => {
  const stalled = fakeBody("a", ["01"], "hang");
  const long = fakeBody("b", ["23456789x"], "hang");
  const { body } = resumed(stalled, [long, null]);
  await readAll(body);
  await Promise.all([stalled.cancelled, long.cancelled]);
});

Deno.test("resumedBody() lets go of all when its reader leaves", async () => {
  const source = fakeBody("a", ["0123", "45"], "hang");
  const { body, told } = resumed(source);
  const reader = body.getReader();
  await reader.read();
  await reader.cancel();
  await source.cancelled;
  assert.deepEqual(told.ends, [false]);
  assert.deepEqual(told.breaks, []);
});

Deno.test("resumedBody() lets go of a source found after its reader left", async () => {
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<StartedBody>();
  const late = fakeBody("b", ["4567"], "hang");
  const { body, told } = resumed(fakeBody("a", ["0123"], "end"), [], {
    reopen() {
      asked.resolve();
      return found.promise;
    },
  });
  const reader = body.getReader();
  await reader.read();
  const reading = reader.read();
  await asked.promise;
  await reader.cancel();
  found.resolve(late);
  await late.cancelled;
  assert.ok((await reading).done);
  assert.deepEqual(told.ends, [false]);
});

Deno.test("resumedBody() does not count the reader's pace as a stall", async () => {
  const { body, told } = resumed(fakeBody("a", ["0123", "456789"], "end"));
  const reader = body.getReader();
  await reader.read();
  // Longer than several ticks of the clock: the source waits for the reader.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "456789");
  assert.deepEqual(told.breaks, []);
  await reader.cancel();
});

Deno.test.each(["hang", "end", "break"] as const)(
  "resumedBody() goes on elsewhere at the byte where it leaves a source that would %s",
  async (then) => {
    const a = fakeBody("a", ["01", "23"], then);
    let source: PresentSource | null = null;
    const { body, told } = resumed(a, [fakeBody("b", ["23456789"], "end")], {
      onBegin: (begun) => source = begun,
      onBytes(from) {
        if (from === "a") (source as PresentSource | null)?.leave();
      },
    });
    assert.deepEqual(await readAll(body), {
      text: "0123456789",
      error: null,
    });
    assert.deepEqual(told.breaks, ["a better 2"]);
    assert.deepEqual(told.ends, [true]);
    await a.cancelled;
  },
);

Deno.test("resumedBody() ends where it leaves a source and is given no other", async () => {
  let source: PresentSource | null = null;
  const { body, told } = resumed(fakeBody("a", ["01"], "hang"), [], {
    onBegin: (begun) => source = begun,
    onBytes: () => (source as PresentSource | null)?.leave(),
  });
  const { text, error } = await readAll(body);
  assert.equal(text, "01");
  assert.equal(error, "the body ended at byte 2: better");
  assert.deepEqual(told.ends, [false]);
});

Deno.test("resumedBody() has no source to leave when it has ended", async () => {
  let source: PresentSource | null = null;
  const { body, told } = resumed(fakeBody("a", ["0123456789"], "end"), [], {
    onBegin: (begun) => source = begun,
  });
  await readAll(body);
  (source as PresentSource | null)?.leave();
  assert.deepEqual(told.breaks, []);
});

Deno.test("resumedBody() reads from nobody before it is read", async () => {
  const source = fakeBody("a", ["0123"], "hang");
  const { body, told } = resumed(source);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(told.bytes, {});
  await body.cancel();
});
