/**
 * One line, one count and one sample for each request, however it ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startLog } from "../../src/log.ts";
import { NO_METRICS } from "../../src/metrics/metrics.ts";
import { RegistryError } from "../../src/oci/error.ts";
import type { Handler } from "../../src/registry/exchange.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import { observed } from "../../src/registry/observe.ts";
import { probes, routes } from "../../src/registry/routes.ts";
import type { RecordedLine } from "../recorded.ts";
import { always, BLOB, BLOB_DIGEST, filledStore, NOTHING } from "./contents.ts";
import { CLIENT_IP, listener } from "./listener.ts";

const MANIFESTS: string = "/v2/library/app/manifests";
const BLOB_PATH: string = `/v2/library/app/blobs/${BLOB_DIGEST}?ns=docker.io`;

/** A handler that sends these pieces, then does what `then` says. */
function sends(
  pieces: readonly string[],
  then: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
): Handler {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  return (_request, { facts }) => {
    facts.handler = "mirror";
    facts.source = "10.0.0.1:5002";
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = left.shift();
          if (piece) controller.enqueue(piece);
          else then(controller);
        },
      }),
    );
  };
}

/** The one line of a request, without the fields that tests cannot know. */
async function lineOf(
  asked: ReturnType<typeof listener>,
): Promise<Omit<RecordedLine, "latency">> {
  const { latency, ...line } = await asked.log.line("request");
  assert.ok(typeof latency === "number" && latency >= 0 && latency < 60);
  assert.equal(asked.log.lines.length, 1);
  return line;
}

Deno.test("observed() writes one line with every field", async () => {
  const asked = listener("peer", registryHandler(filledStore()));
  const answer = await asked.ask("GET", BLOB_PATH);
  assert.deepEqual(asked.log.lines, []);
  await answer.text();
  assert.deepEqual(await lineOf(asked), {
    level: "info",
    msg: "request",
    listener: "peer",
    method: "GET",
    path: BLOB_PATH,
    status: 200,
    ip: CLIENT_IP,
    handler: "blob",
    registry: "docker.io",
    source: "local",
    bytes: BLOB.length,
  });
});

Deno.test("observed() writes lines of JSON with level, time and numbers", async () => {
  const lines: string[] = [];
  using log = startLog("info", (line) => lines.push(line));
  const serve = observed("peer", registryHandler(filledStore()), {
    log,
    metrics: NO_METRICS,
  });
  const answer = await serve(new Request(`http://node${BLOB_PATH}`), {
    remoteAddr: { transport: "tcp", hostname: CLIENT_IP, port: 1 },
    completed: Promise.resolve(),
  });
  await answer.text();
  assert.equal(lines.length, 1);
  assert.ok(lines[0]?.endsWith("}\n"));
  const line = JSON.parse(lines[0] ?? "");
  assert.equal(line.level, "info");
  assert.equal(new Date(line.time).toISOString(), line.time);
  assert.deepEqual(
    [line.status, line.bytes, typeof line.latency],
    [200, BLOB.length, "number"],
  );
});

const CALLED: { method: string; path: string; handler: string }[] = [
  { method: "GET", path: BLOB_PATH, handler: "blob" },
  { method: "HEAD", path: BLOB_PATH, handler: "blob" },
  { method: "GET", path: `${MANIFESTS}/v1?ns=docker.io`, handler: "manifest" },
  { method: "GET", path: `${MANIFESTS}/v9?ns=docker.io`, handler: "mirror" },
  { method: "GET", path: "/v2/", handler: "v2" },
  { method: "GET", path: "/v2/x", handler: "v2" },
  { method: "DELETE", path: "/v2/x", handler: "v2" },
  { method: "GET", path: "/readyz", handler: "readyz" },
  { method: "GET", path: "/livez", handler: "livez" },
  { method: "GET", path: "/", handler: "none" },
];

Deno.test.each(CALLED)(
  "observed() calls $method $path $handler",
  async (row) => {
    const registry = registryHandler(filledStore(), { elsewhere: "mirror" });
    const asked = listener(
      "mirror",
      routes({ "/v2/": registry, ...probes(() => ({ ready: true })) }),
    );
    await (await asked.ask(row.method, row.path)).text();
    const line = await lineOf(asked);
    assert.equal(line.handler, row.handler);
    // Probes come every few seconds.
    const isProbe = row.path.endsWith("z");
    assert.equal(line.level, isProbe ? "debug" : "info");
  },
);

Deno.test("observed() tells whose bytes were passed on", async () => {
  const asked = listener("mirror", sends(["abc", "de"], (end) => end.close()));
  await (await asked.ask("GET", "/")).text();
  const line = await lineOf(asked);
  assert.equal(line.source, "10.0.0.1:5002");
  assert.equal(line.bytes, 5);
  assert.equal(
    asked.metrics.values["peili_bytes_total{direction=sent,source=peer}"],
    5,
  );
});

Deno.test("observed() tells why the answer is a no", async () => {
  const asked = listener("mirror", () => {
    throw new RegistryError("BLOB_UNKNOWN", "nobody has it");
  });
  await (await asked.ask("GET", BLOB_PATH)).text();
  const line = await lineOf(asked);
  assert.equal(line.error, "nobody has it");
  assert.equal(line.status, 404);
});

Deno.test("observed() logs a fault as an error, and its request", async () => {
  const fault = new Error("disk on fire");
  const asked = listener("mirror", () => {
    throw fault;
  });
  const answer = await asked.ask("GET", "/v2/x");
  assert.equal(answer.status, 503);
  await answer.text();
  const [error, request] = asked.log.lines;
  assert.deepEqual(error, {
    level: "error",
    msg: "request failed",
    path: "/v2/x",
    error: fault,
  });
  assert.equal(request?.error, "internal");
});

Deno.test("observed() tells of a client that left in mid-body", async () => {
  const asked = listener("mirror", sends(["abc", "de"], () => {}));
  const answer = await asked.ask("GET", "/");
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const line = await lineOf(asked);
  assert.equal(line.outcome, "client left");
  assert.equal(line.bytes, 3);
  assert.equal(asked.metrics.values["peili_streams{listener=mirror}"], 0);
});

Deno.test("observed() tells the source that the client left", async () => {
  const left = Promise.withResolvers<string>();
  const body = new ReadableStream({ cancel: left.resolve });
  const asked = listener("mirror", () => new Response(body));
  await (await asked.ask("GET", "/")).body?.cancel("enough");
  assert.equal(await left.promise, "enough");
});

Deno.test("observed() passes on that a body broke", async () => {
  const broke = new Error("no source left");
  const asked = listener("mirror", sends(["abc"], (end) => end.error(broke)));
  const answer = await asked.ask("GET", "/");
  await assert.rejects(answer.text(), broke);
  const line = await lineOf(asked);
  assert.equal(line.outcome, "broken");
  assert.equal(line.bytes, 3);
  assert.equal(asked.metrics.values["peili_streams{listener=mirror}"], 0);
});

Deno.test("observed() reads ahead of nobody", async () => {
  let reads = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      reads++;
      controller.enqueue(new Uint8Array(1));
    },
  }, { highWaterMark: 0 });
  const asked = listener("mirror", () => new Response(body));
  const reader = (await asked.ask("GET", "/")).body?.getReader();
  assert.equal(reads, 0);
  await reader?.read();
  assert.equal(reads, 1);
  await reader?.cancel();
});

Deno.test("observed() counts and measures each request once", async () => {
  const asked = listener("peer", registryHandler(filledStore()));
  await (await asked.ask("GET", BLOB_PATH)).text();
  await (await asked.ask("GET", "/v2/x")).text();
  assert.deepEqual(asked.metrics.values, {
    "peili_requests_total{handler=blob,listener=peer,source=local,status=2xx}":
      1,
    "peili_requests_total{handler=v2,listener=peer,source=none,status=4xx}": 1,
    "peili_streams{listener=peer}": 0,
    "peili_bytes_total{direction=sent,source=local}": BLOB.length,
  });
  const { samples } = asked.metrics;
  assert.deepEqual(Object.keys(samples).sort(), [
    "peili_request_duration_seconds{listener=peer,source=local}",
    "peili_request_duration_seconds{listener=peer,source=none}",
  ]);
});

Deno.test("observed() never logs what a client proves itself with", async () => {
  const asked = listener("mirror", registryHandler(filledStore()));
  const secret = "c2VjcmV0";
  for (const path of [BLOB_PATH, "/v2/x", "/v2/"]) {
    const headers = {
      Authorization: `Basic ${secret}`,
      Cookie: secret,
      "Proxy-Authorization": secret,
    };
    await (await asked.ask("GET", path, { headers })).text();
  }
  assert.equal(asked.log.lines.length, 3);
  assert.ok(!JSON.stringify(asked.log.lines).includes(secret));
});

/** A source whose body goes on elsewhere while it flows. */
function flying(flight: { role: "holders" | "follow"; rejoins: number }) {
  const left = ["0123", "456789"].map((text) => new TextEncoder().encode(text));
  const descriptor = {
    mediaType: "application/octet-stream",
    digest: BLOB_DIGEST,
    size: 10,
  };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift();
      if (!chunk) return controller.close();
      if (left.length === 0) flight.rejoins++;
      controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  const open = { descriptor, range: null, body, from: "10.0.0.1:5002", flight };
  return registryHandler(
    { ...NOTHING, open: () => Promise.resolve(open) },
    { elsewhere: "mirror" },
  );
}

Deno.test.each(["holders", "follow"] as const)(
  "observed() tells what the cluster decided, %s, and how often it went on",
  async (role) => {
    const asked = listener("mirror", flying({ role, rejoins: 0 }));
    await (await asked.ask("GET", BLOB_PATH)).text();
    const line = await lineOf(asked);
    // As it is at the end of the body, not at its beginning.
    assert.deepEqual(line.flight, { role, rejoins: 1 });
    assert.deepEqual([line.source, line.bytes], ["10.0.0.1:5002", 10]);
    assert.ok(!("error" in line));
  },
);

Deno.test("observed() tells of a lead as no error, and sends it on", async () => {
  const Location = "https://registry-1.docker.io/v2/library/app/blobs/x";
  const lead = new RegistryError("BLOB_UNKNOWN", "this node leads", {
    status: 307,
    headers: { Location },
  });
  const handler = registryHandler(
    always(() => Promise.reject(lead)),
    { elsewhere: "mirror" },
  );
  const asked = listener("mirror", handler);
  const answer = await asked.ask("GET", BLOB_PATH);
  assert.equal(answer.headers.get("Location"), Location);
  await answer.text();
  const line = await lineOf(asked);
  assert.deepEqual(line.flight, { role: "lead", rejoins: 0 });
  assert.deepEqual(
    [line.status, line.level, line.handler, line.registry],
    [307, "info", "mirror", "docker.io"],
  );
  assert.ok(!("error" in line) && !("outcome" in line));
  const key =
    "peili_requests_total{handler=mirror,listener=mirror,source=none,status=3xx}";
  assert.equal(asked.metrics.values[key], 1);
});

Deno.test.each([
  { name: "what is here", handler: registryHandler(filledStore()) },
  { name: "what nobody has", handler: registryHandler(NOTHING) },
])("observed() tells of no flight for $name", async ({ handler }) => {
  const asked = listener("mirror", handler);
  await (await asked.ask("GET", BLOB_PATH)).text();
  assert.ok(!("flight" in await lineOf(asked)));
});

Deno.test("observed() tells what has begun, and that it has ended with the body", async () => {
  const told: unknown[] = [];
  const begin = () => {
    told.push("begun");
    return (what: unknown) => void told.push(what);
  };
  const content = listener("mirror", registryHandler(filledStore()), { begin });
  const answer = await content.ask("GET", BLOB_PATH);
  assert.deepEqual(told, ["begun"]);
  await answer.text();
  assert.deepEqual(told, ["begun", { work: true }]);
  const ready = () => ({ ready: true }) as const;
  const probe = listener("mirror", routes(probes(ready)), { begin });
  await (await probe.ask("GET", "/readyz")).text();
  assert.deepEqual(told.slice(2), ["begun", { work: false }]);
});

Deno.test("observed() refuses one body too many, and no probe", async () => {
  const handler = routes({
    "/v2/": registryHandler(filledStore()),
    ...probes(() => ({ ready: true })),
  });
  const asked = listener("peer", handler, { maxBodies: 2 });
  const ask = (path: string) => asked.ask("GET", path);
  const first = await ask(BLOB_PATH);
  const second = await ask(BLOB_PATH);
  const third = await ask(BLOB_PATH);
  assert.equal(third.status, 503);
  assert.match(await third.text(), /UNAVAILABLE/);
  const head = await asked.ask("HEAD", BLOB_PATH);
  assert.equal(head.status, 200, "it has no body");
  assert.equal((await ask("/readyz")).status, 200);
  assert.equal((await first.bytes()).length, BLOB.length);
  const next = await ask(BLOB_PATH);
  assert.equal(next.status, 200, "there is room again");
  await next.body?.cancel();
  await second.body?.cancel();
  const last = await ask(BLOB_PATH);
  assert.equal(last.status, 200, "who leaves makes room, too");
  await last.bytes();
});
