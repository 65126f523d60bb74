/**
 * Errors and their answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type ErrorCode,
  errorResponse,
  RegistryError,
} from "../../src/oci/error.ts";

Deno.test.each<{ code: ErrorCode; status: number }>([
  { code: "BLOB_UNKNOWN", status: 404 },
  { code: "DIGEST_INVALID", status: 404 },
  { code: "MANIFEST_UNKNOWN", status: 404 },
  { code: "NAME_INVALID", status: 404 },
  { code: "NAME_UNKNOWN", status: 404 },
  { code: "RANGE_INVALID", status: 416 },
  { code: "UNAUTHORIZED", status: 401 },
  { code: "UNAVAILABLE", status: 503 },
  { code: "UNSUPPORTED", status: 404 },
])("RegistryError() answers $code with $status", ({ code, status }) => {
  assert.equal(new RegistryError(code, "no").status, status);
});

Deno.test("RegistryError() keeps what it is told", () => {
  const cause = new Error("below");
  const error = new RegistryError("UNSUPPORTED", "no", {
    cause,
    status: 405,
    detail: { a: 1 },
    headers: { Allow: "GET" },
  });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.message, error.cause, error.status],
    ["RegistryError", "no", cause, 405],
  );
  assert.deepEqual([error.detail, error.headers], [{ a: 1 }, { Allow: "GET" }]);
});

Deno.test("errorResponse() writes the body of the spec, its keys in order", async () => {
  const error = new RegistryError("BLOB_UNKNOWN", "could not find ä", {
    detail: { attempts: 2 },
  });
  const response = errorResponse(error, "GET");
  const body = await response.bytes();
  assert.equal(response.status, 404);
  assert.equal(response.headers.get("Content-Type"), "application/json");
  assert.equal(response.headers.get("Content-Length"), String(body.length));
  assert.equal(
    new TextDecoder().decode(body),
    '{"errors":[{"code":"BLOB_UNKNOWN","detail":{"attempts":2},"message":"could not find ä"}]}',
  );
});

Deno.test("errorResponse() says what is in the spec's list", async () => {
  const error = new RegistryError("RANGE_INVALID", "behind the end");
  assert.deepEqual(await errorResponse(error, "GET").json(), {
    errors: [{ code: "SIZE_INVALID", message: "behind the end" }],
  });
});

Deno.test("errorResponse() leaves detail out where there is none", async () => {
  const response = errorResponse(
    new RegistryError("NAME_UNKNOWN", "no"),
    "GET",
  );
  assert.deepEqual(await response.json(), {
    errors: [{ code: "NAME_UNKNOWN", message: "no" }],
  });
});

Deno.test("errorResponse() gives HEAD the headers of GET and no body", async () => {
  const error = new RegistryError("RANGE_INVALID", "behind the end", {
    headers: { "Content-Range": "bytes */7" },
  });
  const get = errorResponse(error, "GET");
  const head = errorResponse(error, "HEAD");
  assert.equal(head.body, null);
  assert.equal(head.status, get.status);
  assert.equal(head.headers.get("Content-Range"), "bytes */7");
  assert.deepEqual([...head.headers], [...get.headers]);
  await get.body?.cancel();
});
