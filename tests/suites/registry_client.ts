/**
 * A client of a registry that looks at every answer, in the words of the
 * distribution spec.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Piece } from "./content.ts";
import { assertSameBytes } from "./source_requests.ts";

/** An answer that was read to its end. */
export interface RegistryAnswer {
  readonly method: string;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Asks for an endpoint of the suite's repository: `blobs/<digest>`. */
export type AskRegistry = (
  method: string,
  endpoint: string,
  headers?: HeadersInit,
) => Promise<RegistryAnswer>;

/** How a client says which repository it means. */
export interface Naming {
  /** What it does, for the name of a test. */
  readonly name: string;
  /** What stands before an endpoint: `/v2/<name>`. */
  readonly path: string;
  /** What it adds to every query. */
  readonly query: string;
}

/** Error codes that a 4xx may have (v1.1.1, "Error Codes"). */
const CODES = new Set([
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DENIED",
  "DIGEST_INVALID",
  "MANIFEST_BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_UNKNOWN",
  "NAME_INVALID",
  "NAME_UNKNOWN",
  "SIZE_INVALID",
  "TOOMANYREQUESTS",
  "UNAUTHORIZED",
  "UNSUPPORTED",
]);

/**
 * Makes a client.
 *
 * @param url The registry's base, `http://host:port`
 * @param naming How it names the suite's repository
 */
export function registryClient(url: string, naming: Naming): AskRegistry {
  const { path, query } = naming;
  return (method, endpoint, headers = {}) => {
    const asked = new URL(`${url}${path}/${endpoint}`);
    new URLSearchParams(query).forEach((value, name) =>
      asked.searchParams.append(name, value)
    );
    return ask(method, asked, headers);
  };
}

/** Asks for a URL. */
export async function ask(
  method: string,
  url: string | URL,
  headers: HeadersInit = {},
): Promise<RegistryAnswer> {
  const answer = await fetch(url, { method, headers, redirect: "manual" });
  return {
    method,
    status: answer.status,
    headers: answer.headers,
    bytes: await answer.bytes(),
  };
}

/** Checks the answer that has a whole piece: a GET its bytes, a HEAD none. */
export function assertPiece(answer: RegistryAnswer, piece: Piece): void {
  assert.equal(answer.status, 200, piece.name);
  const { headers, bytes } = answer;
  assert.equal(headers.get("Docker-Content-Digest"), piece.digest);
  assert.equal(headers.get("Content-Length"), String(piece.bytes.length));
  assert.equal(headers.get("Content-Encoding"), null);
  const expected = answer.method === "HEAD" ? new Uint8Array() : piece.bytes;
  assertSameBytes(bytes, expected, piece.name);
}

/** Checks a "no": its status, its code, and the format of its body. */
export function assertRefused(
  answer: RegistryAnswer,
  { status, code }: { status: number; code: string },
): void {
  assert.equal(answer.status, status);
  assert.ok(CODES.has(code), `${code} is not in the spec's list`);
  const { headers, bytes } = answer;
  assert.equal(headers.get("Content-Type"), "application/json");
  if (answer.method === "HEAD") return assert.equal(bytes.length, 0);
  assert.equal(headers.get("Content-Length"), String(bytes.length));
  const { errors, ...rest } = JSON.parse(new TextDecoder().decode(bytes));
  assert.deepEqual([errors.length, rest], [1, {}]);
  const { code: said, message, detail: _any, ...others } = errors[0];
  assert.deepEqual([said, typeof message, others], [code, "string", {}]);
}
