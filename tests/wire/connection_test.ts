/**
 * What goes over real connections: how bodies break, and clients without
 * manners.
 *
 * @module
 */

import assert from "node:assert/strict";
import { listen, type Listener } from "../../src/listen.ts";
import type { Handler } from "../../src/registry/exchange.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { observed } from "../../src/registry/observe.ts";
import { probes, routes } from "../../src/registry/routes.ts";
import { program } from "../program.ts";
import { type RecordedLog, recordedLog, recordedMetrics } from "../recorded.ts";
import { BLOB, BLOB_DIGEST, filledStore } from "../registry/contents.ts";
import {
  bodyOf,
  connect,
  rawRequest,
  readToEnd,
  sendAll,
} from "./raw_client.ts";

const BLOB_PATH = `/v2/library/app/blobs/${BLOB_DIGEST}`;
const CLOSE = "Host: x\r\nConnection: close\r\n\r\n";

interface Served extends AsyncDisposable {
  readonly address: string;
  readonly log: RecordedLog;
  readonly metrics: ReturnType<typeof recordedMetrics>;
}

/** Listens as a node does, with one more handler under `/other`. */
function served(other: Handler = () => new Response("other")): Served {
  const log = recordedLog();
  const metrics = recordedMetrics();
  const handler = routes({
    "/v2/": registryHandler(filledStore()),
    "/other": other,
    ...probes(() => ({ ready: true })),
  });
  const listener: Listener = listen(
    "--test-addr",
    { hostname: "127.0.0.1", port: 0 },
    observed("test", handler, { log, metrics }),
  );
  return {
    address: listener.address,
    log,
    metrics,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Says that 1,000,000 bytes come and breaks after some. */
function breaksAfter(chunks: number, chunkBytes = 100_000): Handler {
  return () => {
    let left = chunks;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(chunkBytes).fill(65));
        else controller.error(new Error("no source left"));
      },
    }, { highWaterMark: 0 });
    return new Response(body, { headers: { "Content-Length": "1000000" } });
  };
}

async function lives({ address }: Served): Promise<void> {
  const { text, error } = await rawRequest(
    address,
    `GET ${BLOB_PATH} HTTP/1.1\r\n${CLOSE}`,
  );
  assert.equal(error, null);
  assert.equal(bodyOf(text), BLOB);
}

Deno.test.each([
  { name: "in its middle", chunks: 3, connection: "keep-alive" },
  {
    name: "in its middle, at the last request",
    chunks: 3,
    connection: "close",
  },
  { name: "before its first byte", chunks: 0, connection: "keep-alive" },
])("a body that breaks $name ends with FIN", async (row) => {
  await using at = served(breaksAfter(row.chunks));
  const { text, error } = await rawRequest(
    at.address,
    `GET /other HTTP/1.1\r\nHost: x\r\nConnection: ${row.connection}\r\n\r\n`,
  );
  // An RST would be an error here, and would end containerd's pull.
  assert.equal(error, null);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(text, /\r\ncontent-length: 1000000\r\n/i);
  // Short, and every byte that was there has come.
  assert.equal(bodyOf(text).length, row.chunks * 100_000);
  assert.equal((await at.log.line("request")).outcome, "broken");
  await lives(at);
});

Deno.test("a body whose reader is slow ends with FIN too", async () => {
  await using at = served(breaksAfter(9));
  using connection = await connect(at.address);
  await sendAll(connection, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  // Reads only after all that fits has filled the buffers of both sides.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { text, error } = await readToEnd(connection);
  assert.equal(error, null);
  assert.equal(bodyOf(text).length, 900_000);
});

const BREAKS_ONCE = `
const { listen } = await import("./src/listen.ts");
const body = () =>
  new ReadableStream({
    pull: (controller) => controller.error(new Error("no source left")),
  }, { highWaterMark: 0 });
const handler = () => Promise.resolve(new Response(body()));
const any = { hostname: "127.0.0.1", port: 0 };
await using listener = listen("--test-addr", any, handler);
const answer = await fetch("http://" + listener.address);
await answer.text().catch(() => console.log("broken"));
`;

Deno.test("a body that breaks prints nothing between the lines of a log", async () => {
  const permissions = ["--no-check", "-P=test"];
  const ended = await program([], { permissions, script: BREAKS_ONCE });
  assert.deepEqual(ended, { code: 0, stdout: "broken\n", stderr: "" });
});

Deno.test("nothing is sent or accepted in compressed form", async () => {
  await using at = served();
  const { text } = await rawRequest(
    at.address,
    `GET ${BLOB_PATH} HTTP/1.1\r\nAccept-Encoding: gzip, zstd, br\r\n${CLOSE}`,
  );
  assert.doesNotMatch(text, /content-encoding|transfer-encoding/i);
  assert.match(text, new RegExp(`\r\ncontent-length: ${BLOB.length}\r\n`, "i"));
  assert.equal(bodyOf(text), BLOB);
});

Deno.test.each([
  { path: BLOB_PATH, length: BLOB.length },
  { path: "/v2/x", length: 72 },
])("HEAD $path tells a length and sends no body", async ({ path, length }) => {
  await using at = served();
  const { text } = await rawRequest(
    at.address,
    `HEAD ${path} HTTP/1.1\r\n${CLOSE}`,
  );
  assert.match(text, new RegExp(`\r\ncontent-length: ${length}\r\n`, "i"));
  assert.equal(bodyOf(text), "");
});

Deno.test("a client that leaves in mid-body is noticed", async () => {
  const left = Promise.withResolvers<void>();
  await using at = served(() =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: () => left.resolve(),
      }, { highWaterMark: 0 }),
    )
  );
  using connection = await connect(at.address);
  await sendAll(connection, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  await connection.read(new Uint8Array(10));
  connection.close();
  await left.promise;
  assert.equal((await at.log.line("request")).outcome, "client left");
  assert.equal(at.metrics.values["peili_streams{listener=test}"], 0);
  await lives(at);
});

Deno.test("a client that leaves before the headers is noticed", async () => {
  const asked = Promise.withResolvers<void>();
  await using at = served(({ signal }) => {
    asked.resolve();
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(new Response("late")));
    });
  });
  using connection = await connect(at.address);
  await sendAll(connection, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  await asked.promise;
  connection.close();
  await at.log.line("request");
  assert.equal(at.metrics.values["peili_streams{listener=test}"], 0);
  await lives(at);
});

Deno.test("a request's signal stays quiet after a whole answer", async () => {
  const signals: AbortSignal[] = [];
  await using at = served(({ signal }) => {
    signals.push(signal);
    return new Response("whole");
  });
  await rawRequest(at.address, `GET /other HTTP/1.1\r\n${CLOSE}`);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [false]);
});

const X = "x".repeat(1 << 20);

Deno.test.each([
  {
    name: "sends a body with GET",
    sent: `GET ${BLOB_PATH} HTTP/1.1\r\nContent-Length: 5\r\n${CLOSE}hello`,
    status: 200,
  },
  {
    name: "sends 1 MiB with POST",
    sent: `POST ${BLOB_PATH} HTTP/1.1\r\nContent-Length: ${
      1 << 20
    }\r\n${CLOSE}${X}`,
    status: 405,
  },
  {
    name: "sends 1 MiB of headers",
    sent: `GET ${BLOB_PATH} HTTP/1.1\r\nX: ${X}\r\n${CLOSE}`,
    status: 400,
  },
  {
    name: "sends many headers",
    sent: `GET ${BLOB_PATH} HTTP/1.1\r\n${"X: y\r\n".repeat(5000)}${CLOSE}`,
    status: null,
  },
  {
    name: "asks for a path of 1 MiB",
    sent: `GET /${X} HTTP/1.1\r\n${CLOSE}`,
    status: null,
  },
  { name: "speaks no HTTP", sent: "\0\x01\x02\r\n\r\n", status: 400 },
  {
    name: "names no host",
    sent: "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n",
    status: 200,
  },
  {
    name: "names a broken host",
    sent: "GET /livez HTTP/1.1\r\nHost: [x\r\nConnection: close\r\n\r\n",
    status: 404,
  },
  {
    name: "speaks HTTP/1.0",
    sent: "GET /livez HTTP/1.0\r\n\r\n",
    status: 200,
  },
  {
    name: "wants a tunnel",
    sent: `CONNECT x:443 HTTP/1.1\r\n${CLOSE}`,
    status: 404,
  },
  {
    name: "wants to switch protocols",
    sent: `GET /livez HTTP/1.1\r\nUpgrade: websocket\r\n${CLOSE}`,
    status: 200,
  },
])("the process lives on after a client that $name", async (row) => {
  await using at = served();
  const { text } = await rawRequest(at.address, row.sent);
  if (row.status !== null) {
    assert.equal(text.split(" ", 2)[1], String(row.status));
  }
  await lives(at);
});

Deno.test("requests that come together are answered in order", async () => {
  await using at = served();
  const { text, error } = await rawRequest(
    at.address,
    "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" +
      `HEAD ${BLOB_PATH} HTTP/1.1\r\nHost: x\r\n\r\n` +
      `GET ${BLOB_PATH} HTTP/1.1\r\n${CLOSE}`,
  );
  assert.equal(error, null);
  assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
  assert.ok(text.endsWith(BLOB));
});
