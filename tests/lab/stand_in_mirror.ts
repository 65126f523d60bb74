/**
 * A stand-in for a mirror under which each blob comes from the registry once:
 * one of the nodes whose containerds ask for it leads, and the others follow
 * the ingest of its containerd. A blob's home, fixed by the digest, says who.
 * ANSWER says how a leader's containerd is sent upstream:
 *
 *     307   it is redirected to the registry, and stays in the same attempt
 *     404   it is refused, and has to try its next host
 *
 * Followers wait for as long as anything comes to any node. When nothing does,
 * that is printed, and waits are given up.
 *
 * @module
 */
import { join } from "node:path/posix";
import { fileBody } from "../../src/content/file_body.ts";
import { folderIngests } from "../../src/content/ingests.ts";
import { tailBody } from "../../src/content/tail_body.ts";
import { NO_LOG } from "../../src/log.ts";
import { type Digest, parseDigest } from "../../src/oci/digest.ts";
import type { StandInLine } from "./stand_in.ts";
import { storedBytes } from "./stored_bytes.ts";

const PEER_PORT = 5003;

/** How long nothing may come to any node before followers are let go. */
const PATIENCE_MS = 3000;

/**
 * How long a home hears who asks, so that nodes which start at the same moment
 * share the leads. By then each has queued all blobs of an image for its slots.
 */
const HEAR_MS = 400;

/** Between two looks; containerd writes 1 MiB in 8 ms at 1 Gbit/s. */
const LOOK_EVERY_MS = 20;

/** Between two looks at the content of all nodes. */
const WATCH_EVERY_MS = 200;

const variable = (name: string) => Deno.env.get(name) ?? "";
const [node, nodes] = [Number(variable("NODE")), Number(variable("N"))];
const contentPath = variable("CCONTENT");
const ingests = folderIngests({
  ...{ contentPath, namespace: "k8s.io", log: NO_LOG },
  takesPart: () => true,
  filter: { restricts: false },
});
/** The content of all nodes: a lab has them on one disk. */
const contents = Array.from(
  { length: nodes },
  (_, i) => contentPath.replace(`/node${node}/`, `/node${i + 1}/`),
);
/** What all containerds had, and when that had last become more. */
const stored = { bytes: 0, grewAt: 0 };
/** By digest, for blobs whose home is here: who asked, and who leads. */
const leads = new Map<string, { askers: number[]; leader: Promise<number> }>();
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

async function print(line: StandInLine): Promise<void> {
  await Deno.stdout.write(
    new TextEncoder().encode(`${JSON.stringify(line)}\n`),
  );
}

/** Watches the content of all nodes for as long as this process lives. */
async function watchContents(): Promise<never> {
  for (let told = 0;; await sleep(WATCH_EVERY_MS)) {
    const sizes = await Promise.all(contents.map(storedBytes));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const now = Date.now();
    if (bytes === 0 || bytes > stored.bytes) {
      Object.assign(stored, { bytes, grewAt: now });
    } else if (now - stored.grewAt > PATIENCE_MS / 2 && told < stored.grewAt) {
      told = stored.grewAt;
      await print({ kind: "nothing comes", waiting });
    }
  }
}

/** One of the first that ask: each of them holds a slot for it. */
async function choose(digest: string, askers: number[]): Promise<number> {
  await sleep(HEAR_MS);
  const sorted = askers.toSorted((a, b) => a - b);
  return sorted[parseInt(digest.slice(-4), 16) % sorted.length] ?? 0;
}

function leaderOf(digest: string, asker: number): Promise<number> {
  const known = leads.get(digest);
  const askers = known?.askers ?? [];
  askers.push(asker);
  const leader = known?.leader ?? choose(digest, askers);
  leads.set(digest, { askers, leader });
  return leader;
}

/** Answers other nodes: who leads, or a blob that this node leads. */
async function serve(request: Request): Promise<Response> {
  const [, verb, text = "", asker = ""] = new URL(request.url).pathname.split(
    "/",
  );
  if (verb === "lead") {
    return new Response(String(await leaderOf(text, Number(asker))));
  }
  const digest = parseDigest(text);
  const found = digest && await awaitBlob(digest);
  if (!found) {
    await print({ kind: "gave up" });
    return refused();
  }
  const { file, size, body } = found;
  const headers = { "Content-Length": String(size) };
  const part = { start: 0, end: size - 1 };
  return new Response(body(file, part, request.signal), { headers });
}

/** Asks another node. */
async function ask(node: number | string, path: string, signal: AbortSignal) {
  const address = `${variable("NET")}.${10 + Number(node)}:${PEER_PORT}`;
  return await fetch(`http://${address}/${path}`, { signal });
}

/** Answers this node's containerd: it leads, or another node does. */
async function answer({ method, url, signal }: Request): Promise<Response> {
  const { pathname } = new URL(url);
  const digest = /\/blobs\/(.+)$/.exec(pathname)?.[1];
  if (method !== "GET" || !digest) return refused();
  const home = 1 + parseInt(digest.slice(-8, -4), 16) % nodes;
  const lead = await ask(home, `lead/${digest}/${node}`, signal);
  const leader = Number(await lead.text());
  if (leader !== node) return await ask(leader, `blob/${digest}`, signal);
  if (variable("ANSWER") === "404") return refused();
  const Location = `http://${variable("UPSTREAM")}${pathname}`;
  return new Response(null, { status: 307, headers: { Location } });
}

Deno.serve({ hostname: variable("NODE_IP"), port: PEER_PORT }, serve);
Deno.serve({ hostname: "127.0.0.1", port: 30020 }, answer);
await watchContents();
