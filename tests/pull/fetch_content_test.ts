/**
 * One piece of content from places that hang, refuse and run dry.
 *
 * @module
 */

import assert from "node:assert/strict";
import { layoutWriter } from "../../src/layout/writer.ts";
import { fetchContent } from "../../src/pull/fetch_content.ts";
import type { Origin, OriginName } from "../../src/pull/origins.ts";
import { resolveTarget } from "../../src/pull/resolve.ts";
import { OCTET_STREAM } from "../../src/oci/media_type.ts";
import { fakeContent } from "../mirror/fake_peer.ts";
import { layoutFolder } from "../layout/layout_folder.ts";

const { bytes: BYTES, digest: DIGEST } = fakeContent(100);
const DESCRIPTOR = { mediaType: OCTET_STREAM, digest: DIGEST, size: 100 };
const WANTED = {
  kind: "blob",
  repository: "a/b",
  descriptor: DESCRIPTOR,
} as const;
const { signal } = new AbortController();

/** Never answers; the signal ends it, as fetch does. */
function hanging(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

type Says = (offset: number, signal: AbortSignal) => Promise<Response>;

interface Asked extends Origin {
  readonly offsets: number[];
}

/** A place that answers what a test says. */
function origin(name: OriginName, says: Says): Asked {
  const offsets: number[] = [];
  return {
    name,
    offsets,
    async ask(_path, { headers, signal }) {
      const offset = Number(/\d+/.exec(headers.Range ?? "")?.[0] ?? 0);
      offsets.push(offset);
      return { from: name, response: await says(offset, signal) };
    },
  };
}

const good: Says = (offset) => Promise.resolve(partial(offset, BYTES.length));

function partial(start: number, end: number): Response {
  const headers = { "Content-Range": `bytes ${start}-99/100` };
  return new Response(BYTES.slice(start, end), { status: 206, headers });
}

async function fetched(
  origins: readonly Asked[],
): Promise<{ troubles: string[]; complete: boolean }> {
  await using folder = await layoutFolder();
  const writer = layoutWriter(folder.path);
  const troubles: string[] = [];
  await fetchContent(WANTED, {
    origins,
    writer,
    onBytes() {},
    onTrouble: (problem) => void troubles.push(problem),
    signal,
    stallMs: 50,
    retryDelays: { initialMs: 1, maxMs: 1 },
  });
  return { troubles, complete: await writer.has(DIGEST, 100) };
}

Deno.test("fetchContent() asks the registry when the mirror never answers", async () => {
  const mirror = origin("mirror", (_offset, signal) => hanging(signal));
  const registry = origin("registry", good);
  const { complete } = await fetched([mirror, registry]);
  assert.deepEqual([complete, registry.offsets], [true, [0]]);
});

Deno.test("fetchContent() leaves a body that stands still, and goes on with the rest", async () => {
  const stalled: Says = (offset, signal) => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(BYTES.slice(offset, 40)),
      // fetch ends its bodies so.
      pull: (controller) =>
        hanging(signal).catch((reason) => controller.error(reason)),
    });
    return Promise.resolve(new Response(body, partial(offset, 40)));
  };
  let first = true;
  const mirror = origin("mirror", (offset, signal) => {
    if (!first) return Promise.resolve(new Response(null, { status: 404 }));
    first = false;
    return stalled(offset, signal);
  });
  const registry = origin("registry", good);
  const { complete, troubles } = await fetched([mirror, registry]);
  assert.ok(complete);
  assert.deepEqual([mirror.offsets, registry.offsets], [[0, 40], [40]]);
  assert.match(
    troubles[0] ?? "",
    /mirror failed at byte 40 of 100: no answer/,
  );
});

Deno.test("fetchContent() asks a mirror that sends nothing twice, and a registry six times", async () => {
  const empty: Says = (offset) => Promise.resolve(partial(offset, offset));
  const mirror = origin("mirror", empty);
  const registry = origin("registry", empty);
  await assert.rejects(fetched([mirror, registry]), /it ended too early/);
  assert.deepEqual([mirror.offsets.length, registry.offsets.length], [2, 6]);
});

Deno.test("fetchContent() asks a registry once that says no", async () => {
  for (const status of [400, 401, 403, 404, 416]) {
    const says = () => Promise.resolve(new Response("no", { status }));
    const registry = origin("registry", says);
    await assert.rejects(
      fetched([registry]),
      new RegExp(`^FinalError: Cannot get ${DIGEST} of a/b: .*${status}`),
    );
    assert.equal(registry.offsets.length, 1);
  }
});

Deno.test("fetchContent() fails at once when the disk does not take it", async () => {
  const registry = origin("registry", good);
  const full = () => Promise.reject(new Error("no space left on device"));
  await assert.rejects(
    fetchContent(WANTED, {
      origins: [registry],
      writer: {
        ingest: () =>
          Promise.resolve({
            offset: 0,
            write: full,
            commit: full,
            abort: () => Promise.resolve(),
            [Symbol.asyncDispose]: () => Promise.resolve(),
          }),
      },
      onBytes() {},
      onTrouble() {},
      signal,
    }),
    /^FinalError: Cannot write: no space left on device/,
  );
  assert.equal(registry.offsets.length, 1);
});

Deno.test("resolveTarget() asks the next when the first never answers", async () => {
  const mirror = origin("mirror", (_offset, signal) => hanging(signal));
  const registry = origin("registry", () =>
    Promise.resolve(
      new Response(null, {
        headers: {
          "Content-Type": "x/y; charset=utf-8",
          "Content-Length": "100",
          "Docker-Content-Digest": DIGEST,
        },
      }),
    ));
  const found = await resolveTarget({
    origins: [mirror, registry],
    repository: "a",
    target: "v1",
    signal,
    stallMs: 20,
    onTrouble: assert.fail,
  });
  assert.deepEqual(found, { mediaType: "x/y", digest: DIGEST, size: 100 });
});
