/**
 * A stand-in for a mirror under which each blob comes from the registry once:
 * a node that is fixed by the digest leads, and all others follow the ingest
 * of its containerd. ANSWER says how a leader's containerd is sent upstream:
 *
 *     307   it is redirected to the registry, and stays in the same attempt
 *     404   it is refused, and has to try its next host
 *
 * Followers wait for as long as anything comes to any node. When nothing does,
 * the wait is given up, which is printed as one JSON line.
 *
 * @module
 */
import { join } from "node:path/posix";
import { fileBody } from "../../src/containerd/file_body.ts";
import { containerdIngests } from "../../src/containerd/ingests.ts";
import { tailBody } from "../../src/containerd/tail_body.ts";
import { NO_LOG } from "../../src/log.ts";
import { type Digest, parseDigest } from "../../src/oci/digest.ts";
import { leaderOf, type Standstill } from "./stand_in.ts";
import { storedBytes } from "./stored_bytes.ts";

const PEER_PORT = 5003;

/** How long nothing may come to any node before followers are let go. */
const PATIENCE_MS = 3000;

/**
 * How long a leader's containerd waits for its answer, as for a lookup. By then
 * it has queued all blobs of an image for its slots.
 */
const LOOKUP_MS = 300;

/** Between two looks; containerd writes 1 MiB in 8 ms at 1 Gbit/s. */
const LOOK_EVERY_MS = 20;

/** Between two looks at the content of all nodes. */
const WATCH_EVERY_MS = 200;

const variable = (name: string) => Deno.env.get(name) ?? "";
const [node, nodes] = [Number(variable("NODE")), Number(variable("N"))];
const contentPath = variable("CCONTENT");
const ingests = containerdIngests({
  ...{ contentPath, namespace: "k8s.io", log: NO_LOG },
  takesPart: () => true,
});
/** The content of all nodes: a lab has them on one disk. */
const contents = Array.from(
  { length: nodes },
  (_, i) => contentPath.replace(`/node${node}/`, `/node${i + 1}/`),
);
/** What all containerds had, and when that had last become more. */
const stored = { bytes: 0, grewAt: 0 };
/** Requests that wait here for the first byte of an ingest. */
let waiting = 0;

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
const refused = () => new Response(null, { status: 404 });

/** A blob that this node has, or has begun to pull: its file and full size. */
async function find(digest: Digest) {
  const ingest = await ingests.find(digest);
  if (ingest && (ingest.offset === 0 || ingest.total === 0)) return null;
  const blob = join(contentPath, "blobs", digest.replace(":", "/"));
  const file = await Deno.open(ingest?.path ?? blob).catch(() => null); // Moved.
  const size = ingest?.total ?? (await file?.stat())?.size ?? 0;
  return file && { file, size, body: ingest ? tailBody : fileBody };
}

/** Waits for a blob's first byte; null when nothing at all comes any more. */
async function awaitBlob(digest: Digest) {
  waiting++;
  try {
    for (;;) {
      const found = await find(digest);
      if (found) return found;
      if (Date.now() - stored.grewAt > PATIENCE_MS) return null;
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    waiting--;
  }
}

/** Looks for as long as this process lives. */
async function watchContents(): Promise<never> {
  for (;;) {
    const sizes = await Promise.all(contents.map(storedBytes));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes === 0 || bytes > stored.bytes) {
      Object.assign(stored, { bytes, grewAt: Date.now() });
    }
    await sleep(WATCH_EVERY_MS);
  }
}

/** Answers other nodes: this one leads. */
async function serve(request: Request): Promise<Response> {
  const digest = parseDigest(new URL(request.url).pathname.slice(1));
  const found = digest && await awaitBlob(digest);
  if (!found) {
    const standstill: Standstill = { waiting: waiting + 1 };
    const line = `${JSON.stringify(standstill)}\n`;
    await Deno.stdout.write(new TextEncoder().encode(line));
    return refused();
  }
  const { file, size, body } = found;
  const headers = { "Content-Length": String(size) };
  return new Response(body(file, { start: 0, end: size - 1 }), { headers });
}

/** Answers this node's containerd: it leads, or another node does. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const digest = /\/blobs\/(.+)$/.exec(pathname)?.[1];
  if (request.method !== "GET" || !digest) return refused();
  const leader = leaderOf(digest, nodes);
  if (leader !== node) {
    const url = `http://${variable("NET")}.${
      10 + leader
    }:${PEER_PORT}/${digest}`;
    return await fetch(url, { signal: request.signal }).catch(refused);
  }
  await sleep(LOOKUP_MS);
  if (variable("ANSWER") === "404") return refused();
  const Location = `http://${variable("UPSTREAM")}${pathname}`;
  return new Response(null, { status: 307, headers: { Location } });
}

Deno.serve({ hostname: variable("NODE_IP"), port: PEER_PORT }, serve);
Deno.serve({ hostname: "127.0.0.1", port: 30020 }, answer);
await watchContents();
