/**
 * Asking a source, in the words of the suite.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type {
  CallOptions,
  ContentSource,
  OpenContent,
} from "../../src/content/source.ts";
import type { RangeRequest } from "../../src/oci/range.ts";
import type { TagReference } from "../../src/oci/reference.ts";
import type { ContentRequest } from "../../src/oci/request.ts";
import { type Piece, REGISTRY, REPOSITORY } from "./content.ts";

/** Which endpoint is asked. */
export type Kind = ContentRequest["kind"];

/** Options of a call that nobody ends. */
export function patient(): CallOptions {
  return { signal: new AbortController().signal };
}

/** The request for a piece. */
export function requestFor(
  kind: Kind,
  { digest }: Pick<Piece, "digest">,
): ContentRequest {
  return { kind, registry: REGISTRY, repository: REPOSITORY, digest };
}

/** The reference of a tag of the suite's repository. */
export function tagged(tag: string): TagReference {
  return { registry: REGISTRY, repository: REPOSITORY, tag };
}

/** Opens a piece that must be there. */
export async function mustOpen(
  source: ContentSource,
  kind: Kind,
  piece: Pick<Piece, "digest">,
  options: { signal?: AbortSignal; range?: RangeRequest } = {},
): Promise<OpenContent> {
  const open = await source.open(requestFor(kind, piece), {
    ...patient(),
    ...options,
  });
  return open ?? assert.fail(`${piece.digest} is not there as ${kind}`);
}

/** Reads a body to its end. */
export async function readAll(
  body: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return joined(chunks);
}

/** Puts chunks together. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Compares bytes without printing megabytes of them. */
export function assertSameBytes(
  actual: Uint8Array,
  expected: Uint8Array,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  if (Buffer.compare(actual, expected) === 0) return;
  const wrong = actual.findIndex((byte, index) => byte !== expected[index]);
  assert.fail(`${what}: byte ${wrong} is wrong`);
}
