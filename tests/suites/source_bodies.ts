/**
 * What a source must do with bodies: exact bytes, and nothing that stays behind
 * (the leak sanitizers look at each case).
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ContentSource } from "../../src/content/source.ts";
import { CONTENT, EMPTY, LARGE, LAYER, type Piece } from "./content.ts";
import {
  assertSameBytes,
  joined,
  type Kind,
  mustOpen,
  readAll,
  requestFor,
} from "./source_requests.ts";
import type { SourceCase } from "./source_suite.ts";

const ALL: readonly (readonly [Kind, Piece])[] = [
  ...CONTENT.blobs.map((piece) => ["blob", piece] as const),
  ...CONTENT.manifests.map((piece) => ["manifest", piece] as const),
];

/** Cases of what open() opened. */
export function bodyCases(): SourceCase[] {
  return [
    ...ALL.map(([kind, piece]) => ({
      name: `open() streams the ${piece.name}`,
      check: (source: ContentSource) => streams(source, kind, piece),
    })),
    {
      name: "open() frees a body that is cancelled before it was read",
      async check(source) {
        for (const piece of [LARGE, LAYER, EMPTY]) {
          const { body } = await mustOpen(source, "blob", piece);
          await body.cancel();
        }
      },
    },
    {
      name: "open() frees a body that is cancelled halfway",
      async check(source) {
        const { body } = await mustOpen(source, "blob", LARGE);
        const reader = body.getReader();
        const { value } = await reader.read();
        assert.ok(value);
        await reader.cancel("enough");
        assert.ok((await reader.read()).done);
      },
    },
    {
      name: "open() frees a body that is cancelled during a read",
      async check(source) {
        const { body } = await mustOpen(source, "blob", LARGE);
        const reader = body.getReader();
        const read = reader.read();
        await reader.cancel();
        await read;
        await reader.closed;
      },
    },
    {
      name: "open() serves readers side by side",
      async check(source) {
        await Promise.all(
          [...ALL, ...ALL].map(([kind, piece]) => streams(source, kind, piece)),
        );
      },
    },
    {
      name: "open() serves a reader while another waits",
      async check(source) {
        const waiting = await mustOpen(source, "blob", LARGE);
        await streams(source, "blob", LARGE);
        assertSameBytes(await readAll(waiting.body), LARGE.bytes, "waiting");
      },
    },
    {
      name: "open() settles when its signal has aborted before",
      check: settlesWhenAborted,
    },
    {
      name: "open() never ends a body early as if it were whole",
      check: isWholeOrBroken,
    },
  ];
}

async function streams(
  source: ContentSource,
  kind: Kind,
  piece: Piece,
): Promise<void> {
  const { descriptor, range, body, from } = await mustOpen(source, kind, piece);
  assertSameBytes(await readAll(body), piece.bytes, piece.name);
  assert.equal(range, null);
  assert.equal(descriptor.digest, piece.digest);
  assert.equal(descriptor.size, piece.bytes.length);
  assert.notEqual(from, "");
}

/** Null, an abort error or content are all right; waiting is not. */
async function settlesWhenAborted(source: ContentSource): Promise<void> {
  const signal = AbortSignal.abort();
  try {
    const request = requestFor("blob", LARGE);
    const open = await source.open(request, { signal });
    await open?.body.cancel();
  } catch (error) {
    assert.ok(error instanceof DOMException, String(error));
    assert.equal(error.name, "AbortError");
  }
}

/** Aborting in mid-body may end the body with an error or not end it. */
async function isWholeOrBroken(source: ContentSource): Promise<void> {
  const ended = new AbortController();
  const { body } = await mustOpen(source, "blob", LARGE, {
    signal: ended.signal,
  });
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      ended.abort();
    }
  } catch {
    return; // Broken, and its reader knows.
  }
  assertSameBytes(joined(chunks), LARGE.bytes, "a body that ended well");
}
