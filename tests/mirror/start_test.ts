/**
 * Beginning to read: first bytes in hand, and small content checked.
 *
 * @module
 */

import assert from "node:assert/strict";
import { partOf } from "../../src/content/part.ts";
import type { ContentSource, OpenContent } from "../../src/content/source.ts";
import {
  CHECKED_MAX_BYTES,
  CorruptError,
  startFrom,
} from "../../src/mirror/start.ts";
import type { StartedBody } from "../../src/mirror/resume.ts";
import { RegistryError } from "../../src/oci/error.ts";
import type { RangeRequest } from "../../src/oci/range.ts";
import { fakeContent } from "./fake_peer.ts";

const { signal } = new AbortController();

/** A source of these bytes, said to be of that digest and size. */
function sourceOf(
  content: { bytes: Uint8Array; digest: OpenContent["descriptor"]["digest"] },
  size = content.bytes.length,
) {
  const opened: (RangeRequest | undefined)[] = [];
  const cancelled: string[] = [];
  const source: Pick<ContentSource, "open"> = {
    // deno-lint-ignore require-await -- so that a range error is a rejection
    async open(_request, { range }) {
      opened.push(range);
      const part = partOf(range, size);
      const bytes = content.bytes.slice(
        part?.start,
        part ? part.end + 1 : undefined,
      );
      return {
        descriptor: { mediaType: "a/b", digest: content.digest, size },
        range: part,
        from: "peer",
        body: new ReadableStream<Uint8Array>({
          pull(controller) {
            if (bytes.length > 0) controller.enqueue(bytes);
            controller.close();
          },
          cancel: () => void cancelled.push("cancelled"),
        }, { highWaterMark: 0 }),
      };
    },
  };
  return { source: source as ContentSource, opened, cancelled };
}

async function bytesOf({ first, rest }: StartedBody): Promise<Uint8Array> {
  const pieces = [first.slice()];
  for (let read = await rest.read(); read; read = await rest.read()) {
    pieces.push(read.slice());
  }
  return await new Blob(pieces).bytes();
}

Deno.test("startFrom() gives small content that is what it should be", async () => {
  const content = fakeContent(100);
  const { source, opened } = sourceOf(content);
  const started = await startFrom(source, content.request, { signal });
  assert.ok(started);
  assert.equal(started.from, "peer");
  assert.equal(started.content.range, null);
  assert.equal(started.content.descriptor.size, 100);
  assert.deepEqual(await bytesOf(started), content.bytes);
  assert.deepEqual(opened, [undefined]);
});

Deno.test("startFrom() gives null when the source has nothing", async () => {
  const source = { open: () => Promise.resolve(null) };
  assert.equal(
    await startFrom(
      source as unknown as ContentSource,
      fakeContent(1).request,
      {
        signal,
      },
    ),
    null,
  );
});

Deno.test.each([
  { name: "of other bytes", bytes: fakeContent(100).bytes.fill(7), size: 100 },
  { name: "too short", bytes: fakeContent(100).bytes.slice(1), size: 100 },
  { name: "too long", bytes: new Uint8Array(101), size: 100 },
  { name: "empty", bytes: new Uint8Array(), size: 100 },
  { name: "of another size", bytes: fakeContent(100).bytes, size: 99 },
])("startFrom() rejects small content $name", async ({ bytes, size }) => {
  const { request, digest } = fakeContent(100);
  const { source } = sourceOf({ bytes, digest }, size);
  await assert.rejects(startFrom(source, request, { signal }), CorruptError);
});

Deno.test("startFrom() gives content without bytes", async () => {
  const content = fakeContent(0);
  const { source } = sourceOf(content);
  const started = await startFrom(source, content.request, { signal });
  assert.ok(started);
  assert.equal((await bytesOf(started)).length, 0);
});

Deno.test.each([
  { range: { start: 5, end: 7 }, part: { start: 5, end: 7 }, opens: 2 },
  { range: { start: 90 }, part: { start: 90, end: 99 }, opens: 2 },
  { range: { suffix: 3 }, part: { start: 97, end: 99 }, opens: 2 },
  { range: { start: 0 }, part: { start: 0, end: 99 }, opens: 1 },
])("startFrom() checks the whole for a part, $range", async (row) => {
  const content = fakeContent(100);
  const { source, opened, cancelled } = sourceOf(content);
  const started = await startFrom(source, content.request, {
    signal,
    range: row.range,
  });
  assert.ok(started);
  assert.deepEqual(started.content.range, row.part);
  assert.deepEqual(
    await bytesOf(started),
    content.bytes.slice(row.part.start, row.part.end + 1),
  );
  // The part is let go and the whole is asked for.
  assert.deepEqual(opened, [row.range, undefined].slice(0, row.opens));
  assert.equal(cancelled.length, row.opens - 1);
});

Deno.test("startFrom() rejects a part of corrupt content", async () => {
  const { request, digest } = fakeContent(100);
  const { source } = sourceOf({ bytes: new Uint8Array(100), digest });
  const range = { start: 5, end: 7 };
  await assert.rejects(
    startFrom(source, request, { signal, range }),
    CorruptError,
  );
});

Deno.test("startFrom() passes on that a range is behind the end", async () => {
  const content = fakeContent(100);
  const { source } = sourceOf(content);
  await assert.rejects(
    startFrom(source, content.request, { signal, range: { start: 100 } }),
    RegistryError,
  );
});

Deno.test("startFrom() checks content of the largest size that it checks", async () => {
  const { request, digest } = fakeContent(100);
  const bytes = new Uint8Array(CHECKED_MAX_BYTES);
  const { source } = sourceOf({ bytes, digest });
  await assert.rejects(startFrom(source, request, { signal }), CorruptError);
});

Deno.test("startFrom() gives large content with its first bytes in hand", async () => {
  const content = fakeContent(CHECKED_MAX_BYTES + 1);
  const { source, opened } = sourceOf(content);
  const started = await startFrom(source, content.request, {
    signal,
    range: { start: 7 },
  });
  assert.ok(started);
  assert.ok(started.first.length > 0);
  assert.deepEqual(await bytesOf(started), content.bytes.slice(7));
  assert.deepEqual(opened, [{ start: 7 }]);
});

Deno.test("startFrom() rejects large content without a byte", async () => {
  const { request, digest } = fakeContent(1);
  const { source } = sourceOf(
    { bytes: new Uint8Array(), digest },
    CHECKED_MAX_BYTES + 1,
  );
  await assert.rejects(
    startFrom(source, request, { signal }),
    /^Error: Cannot read from peer: no byte came$/,
  );
});
