/**
 * Blobs: end-2, `GET|HEAD /v2/<name>/blobs/<digest>`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { CONTENT, EMPTY, LARGE, LAYER } from "./content.ts";
import type { PullCase } from "./pull_suite.ts";
import {
  type AskRegistry,
  assertPiece,
  assertRefused,
} from "./registry_client.ts";
import { assertSameBytes } from "./source_requests.ts";

const SIZE = LAYER.bytes.length;
const LAST = SIZE - 1;

/** Ranges of RFC 9110, 14.1.2, with the first and last byte of the answer. */
const RANGES: readonly (readonly [string, number, number])[] = [
  ["bytes=0-0", 0, 0],
  ["bytes=1-3", 1, 3],
  ["bytes=7-", 7, LAST],
  ["bytes=0-", 0, LAST],
  [`bytes=${LAST}-`, LAST, LAST],
  [`bytes=5-${2 * SIZE}`, 5, LAST],
  ["bytes=-4", SIZE - 4, LAST],
  [`bytes=-${2 * SIZE}`, 0, LAST],
];

/** A server may ignore these (RFC 9110, 14.2): malformed, backwards, several. */
const IGNORED = [
  "bytes=",
  "bytes=a-",
  "bytes=7-5",
  "bytes=0-1,3-4",
  "items=0-1",
];

/** Not one byte of these is there (RFC 9110, 15.5.17). */
const BEHIND = [`bytes=${SIZE}-`, `bytes=${SIZE}-${SIZE + 9}`, "bytes=-0"];

const blob = (digest: string) => `blobs/${digest}`;

/** All that holds of blobs. */
export function pullBlobCases(): PullCase[] {
  return [...wholeCases(), ...rangeCases()].map((one) => ({
    endpoint: "end-2",
    ...one,
  }));
}

type BlobCase = Omit<PullCase, "endpoint">;

function wholeCases(): BlobCase[] {
  return [
    {
      name: "GET gives each blob, with its digest and its size",
      async check(ask) {
        for (const piece of CONTENT.blobs) {
          assertPiece(await ask("GET", blob(piece.digest)), piece);
        }
      },
    },
    {
      name: "HEAD tells the same without a body",
      async check(ask) {
        for (const piece of CONTENT.blobs) {
          assertPiece(await ask("HEAD", blob(piece.digest)), piece);
        }
      },
    },
    {
      name: "the digest may be escaped",
      async check(ask) {
        const escaped = LAYER.digest.replace(":", "%3A");
        assertPiece(await ask("GET", blob(escaped)), LAYER);
      },
    },
    {
      name: "a blob that is not there is BLOB_UNKNOWN",
      check: (ask) => refuses(ask, digestOf("absent"), "BLOB_UNKNOWN"),
    },
    {
      name: "a digest of another algorithm that is not there is BLOB_UNKNOWN",
      check: (ask) =>
        refuses(ask, digestOf(LAYER.bytes, "sha512"), "BLOB_UNKNOWN"),
    },
    {
      name: "what is no digest is DIGEST_INVALID",
      async check(ask) {
        const { digest } = LAYER;
        const hex = digest.slice("sha256:".length);
        const malformed = ["v1", "sha256:abc", hex, `md5:${hex}`, `${digest}0`];
        for (const text of malformed) {
          await refuses(ask, text, "DIGEST_INVALID");
        }
      },
    },
  ];
}

function rangeCases(): BlobCase[] {
  return [
    ...RANGES.map(([range, start, end]) => ({
      name: `${range} gives that part`,
      check: (ask: AskRegistry) => givesPart(ask, range, [start, end]),
    })),
    ...IGNORED.map((range) => ({
      name: `${range} is ignored`,
      async check(ask: AskRegistry) {
        const answer = await ask("GET", blob(LAYER.digest), { Range: range });
        assert.equal(answer.headers.get("Content-Range"), null);
        assertPiece(answer, LAYER);
      },
    })),
    ...BEHIND.map((Range) => ({
      name: `${Range} is behind the end`,
      async check(ask: AskRegistry) {
        const answer = await ask("GET", blob(LAYER.digest), { Range });
        assertRefused(answer, { status: 416, code: "SIZE_INVALID" });
        assert.equal(answer.headers.get("Content-Range"), `bytes */${SIZE}`);
      },
    })),
    {
      name: "no range of an empty blob has a byte",
      async check(ask) {
        const Range = "bytes=0-";
        const answer = await ask("GET", blob(EMPTY.digest), { Range });
        assertRefused(answer, { status: 416, code: "SIZE_INVALID" });
      },
    },
    {
      name: "HEAD ignores a range (RFC 9110, 14.2: it is for GET)",
      async check(ask) {
        const Range = "bytes=7-";
        assertPiece(await ask("HEAD", blob(LAYER.digest), { Range }), LAYER);
      },
    },
    {
      name: "a large blob can be had in two halves",
      async check(ask) {
        const half = LARGE.bytes.length >> 1;
        const first = `bytes=0-${half - 1}`;
        const halves = await Promise.all([
          ask("GET", blob(LARGE.digest), { Range: first }),
          ask("GET", blob(LARGE.digest), { Range: `bytes=${half}-` }),
        ]);
        const bytes = await new Blob(
          halves.map(({ bytes }) => new Uint8Array(bytes)),
        ).bytes();
        assertSameBytes(bytes, LARGE.bytes, LARGE.name);
      },
    },
  ];
}

async function refuses(
  ask: AskRegistry,
  digest: string,
  code: string,
): Promise<void> {
  for (const method of ["GET", "HEAD"]) {
    assertRefused(await ask(method, blob(digest)), { status: 404, code });
  }
}

async function givesPart(
  ask: AskRegistry,
  range: string,
  [start, end]: readonly [number, number],
): Promise<void> {
  const { status, headers, bytes } = await ask("GET", blob(LAYER.digest), {
    Range: range,
  });
  assert.equal(status, 206);
  assert.equal(headers.get("Content-Range"), `bytes ${start}-${end}/${SIZE}`);
  assert.equal(headers.get("Content-Length"), String(end - start + 1));
  assert.equal(headers.get("Docker-Content-Digest"), LAYER.digest);
  assertSameBytes(bytes, LAYER.bytes.subarray(start, end + 1), range);
}
