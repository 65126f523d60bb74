/**
 * What a source must do with ranges.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ContentSource } from "../../src/content/source.ts";
import { RegistryError } from "../../src/oci/error.ts";
import type { RangeRequest } from "../../src/oci/range.ts";
import { CONTENT, EMPTY, LARGE, LAYER, type Piece } from "./content.ts";
import { random } from "./random.ts";
import {
  assertSameBytes,
  type Kind,
  mustOpen,
  patient,
  readAll,
  requestFor,
} from "./source_requests.ts";
import type { SourceCase } from "./source_suite.ts";

const SIZE = LAYER.bytes.length;
const LAST = SIZE - 1;

interface Row {
  readonly name: string;
  readonly range: RangeRequest;
  /** First and last byte of the answer. */
  readonly part: readonly [start: number, end: number];
}

const ROWS: readonly Row[] = [
  { name: "the first byte", range: { start: 0, end: 0 }, part: [0, 0] },
  { name: "bytes inside", range: { start: 1, end: 3 }, part: [1, 3] },
  { name: "all from a byte on", range: { start: 7 }, part: [7, LAST] },
  { name: "the last byte", range: { start: LAST }, part: [LAST, LAST] },
  { name: "all from 0 on", range: { start: 0 }, part: [0, LAST] },
  { name: "an end too far", range: { start: 5, end: SIZE }, part: [5, LAST] },
  { name: "a suffix", range: { suffix: 4 }, part: [SIZE - 4, LAST] },
  { name: "a suffix of all", range: { suffix: SIZE }, part: [0, LAST] },
  { name: "too long a suffix", range: { suffix: 2 * SIZE }, part: [0, LAST] },
];

/** Cases of open() with a range. */
export function rangeCases(): SourceCase[] {
  return [
    ...ROWS.map(({ name, range, part }) => ({
      name: `open() gives ${name}`,
      check: (source: ContentSource) =>
        gives(source, { kind: "blob", piece: LAYER }, range, part),
    })),
    {
      name: "open() gives a part of each manifest",
      async check(source) {
        for (const piece of CONTENT.manifests) {
          const what = { kind: "manifest", piece } as const;
          await gives(source, what, { start: 2, end: 9 }, [2, 9]);
        }
      },
    },
    { name: "open() gives any part of a large blob", check: givesAnyPart },
    {
      name: "open() rejects a range that begins at the end or behind it",
      async check(source) {
        const size = LAYER.bytes.length;
        await rejects(source, LAYER, { start: size });
        await rejects(source, LAYER, { start: size + 1, end: size + 2 });
        await rejects(source, LAYER, { start: 1e14 });
        await rejects(source, EMPTY, { start: 0 });
        await rejects(source, EMPTY, { start: 0, end: 0 });
      },
    },
    {
      name: "open() has nothing for a range of unknown content",
      async check(source) {
        const request = requestFor("manifest", LAYER);
        const options = { ...patient(), range: { start: 1e14 } };
        assert.equal(await source.open(request, options), null);
      },
    },
  ];
}

async function gives(
  source: ContentSource,
  { kind, piece }: { readonly kind: Kind; readonly piece: Piece },
  range: RangeRequest,
  [start, end]: readonly [number, number],
): Promise<void> {
  const open = await mustOpen(source, kind, piece, { range });
  const bytes = await readAll(open.body);
  assert.equal(open.descriptor.size, piece.bytes.length);
  assert.equal(open.descriptor.digest, piece.digest);
  // A source may give the whole, if it says so.
  if (open.range) {
    assert.deepEqual([open.range.start, open.range.end], [start, end]);
  }
  const expected = open.range
    ? piece.bytes.subarray(start, end + 1)
    : piece.bytes;
  assertSameBytes(bytes, expected, JSON.stringify(range));
}

async function givesAnyPart(source: ContentSource): Promise<void> {
  const numbers = random(3);
  const size = LARGE.bytes.length;
  for (let round = 0; round < 24; round++) {
    const start = numbers.below(size);
    const end = start + numbers.below(size); // Often behind the end.
    const part = [start, Math.min(end, size - 1)] as const;
    const what = { kind: "blob", piece: LARGE } as const;
    await gives(source, what, { start, end }, part);
  }
}

async function rejects(
  source: ContentSource,
  piece: Piece,
  range: RangeRequest,
): Promise<void> {
  await assert.rejects(
    () => source.open(requestFor("blob", piece), { ...patient(), range }),
    (error) => {
      assert.ok(error instanceof RegistryError, String(error));
      assert.equal(error.code, "RANGE_INVALID");
      assert.equal(error.status, 416);
      const contentRange = new Headers(error.headers).get("Content-Range");
      assert.equal(contentRange, `bytes */${piece.bytes.length}`);
      return true;
    },
  );
}
