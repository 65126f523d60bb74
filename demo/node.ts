/**
 * One node of the demo: Peili as `deno task run` starts it, over a folder, and
 * pulls into that folder.
 *
 * @module
 */

import { join } from "node:path/posix";
import { deadline } from "../src/async/deadline.ts";
import { type DemoProcess, startProcess } from "./process.ts";
import { PASSWORD } from "./registry.ts";

/** Where a node is. */
export interface NodePlace {
  /** `node-1`: its name at the registry, and of its folder. */
  readonly name: string;
  /** The demo's folder. */
  readonly folder: string;
}

/** A node whose Peili runs; disposing of it stops it. */
export interface DemoNode extends AsyncDisposable {
  /** `host:port` that its pulls ask. */
  readonly mirror: string;
  /** Bytes that it has had of other nodes, as its metrics say. */
  fromPeers(signal: AbortSignal): Promise<number>;
}

/** A port that a node was to have belongs to somebody else now. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/** Milliseconds until a node has found the others; it takes 1 s here. */
const READY_MS = 30_000;

/** Milliseconds for the answer to "what do you count". */
const METRICS_MS = 5_000;

/** The folder that holds what a node has. */
export function storeOf({ name, folder }: NodePlace): string {
  return join(folder, name);
}

/**
 * Starts a node's Peili.
 *
 * @param place Where
 * @param network Its port for other nodes, those of all nodes, and how many of
 * them are there
 * @param signal Ends the wait
 * @returns The node, which has found the others
 * @throws {PortTakenError} If its port is taken
 */
export async function startNode(
  place: NodePlace,
  network: { port: number; ports: readonly number[]; expected: number },
  signal: AbortSignal,
): Promise<DemoNode> {
  const store = storeOf(place);
  await Deno.mkdir(store, { recursive: true });
  const log = nodeLog(`${store}.log`);
  await using parts = new AsyncDisposableStack();
  parts.defer(() => log.close()); // Last: a node that ends says so.
  const process = parts.use(startProcess({
    script: "child.ts",
    permissions: [
      "--allow-net=127.0.0.1",
      "--allow-env=PEILI_*",
      `--allow-read=${store},${store}.data`,
      `--allow-write=${store}.data`,
    ],
    args: [
      "run",
      `--store=layout:${store}`,
      `--data-dir=${store}.data`,
      `--containerd-registry-config-path=${store}.data/certs.d`,
      "--mirror-addr=127.0.0.1:0",
      "--metrics-addr=127.0.0.1:0",
      `--peer-addr=127.0.0.1:${network.port}`,
      `--static-peers=${network.ports.map((port) => `127.0.0.1:${port}`)}`,
    ],
    onLine: log.line,
  }));
  await process.loaded;
  await process.go();
  const { mirror, metrics } = await running(process, log, network, signal);
  const all = parts.move();
  return {
    mirror,
    fromPeers: async (signal) => receivedBytes(await text(metrics, signal)),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Waits until it listens and knows the others. */
async function running(
  process: DemoProcess,
  log: NodeLog,
  { expected }: { readonly expected: number },
  signal: AbortSignal,
): Promise<{ mirror: string; metrics: string }> {
  using limit = deadline(signal, READY_MS);
  const failed = process.ended.then(() => {
    const lines = process.lastLines();
    if (/Cannot listen on/.test(lines)) throw new PortTakenError(lines);
    throw new Error(`a node ended: ${lines}`);
  });
  const late = new Promise<never>((_resolve, reject) => {
    const give = () => reject(limit.signal.reason);
    if (limit.signal.aborted) give();
    limit.signal.addEventListener("abort", give, { once: true });
  });
  const first = <T>(wanted: Promise<T>) => Promise.race([wanted, failed, late]);
  failed.catch(() => {/* it ends one day */});
  late.catch(() => {/* it may be early enough */});
  const [line = {}] = await first(log.seen("running", 1));
  await first(log.seen("peer is there", expected));
  await first(log.seen("ready", 1));
  return { mirror: String(line.mirror), metrics: String(line.metrics) };
}

/**
 * Loads a pull into a node's folder.
 *
 * @param place The node
 * @param image The image's name
 * @param options The mirror that is asked first, and the folder that gets it
 * @returns The pull, which waits for the word
 */
export async function loadPull(
  place: NodePlace,
  image: string,
  { mirror, store }: { mirror: string | null; store: string },
): Promise<DemoProcess> {
  // Who asks is how the registry counts.
  const config = `${storeOf(place)}.docker`;
  await Deno.mkdir(config, { recursive: true });
  const auth = btoa(`${place.name}:${PASSWORD}`);
  const auths = { [image.slice(0, image.indexOf("/"))]: { auth } };
  await Deno.writeTextFile(`${config}/config.json`, JSON.stringify({ auths }));
  return startProcess({
    script: "child.ts",
    permissions: [
      "--allow-net=127.0.0.1",
      "--allow-env=PEILI_*,DOCKER_CONFIG",
      `--allow-read=${store},${config}`,
      `--allow-write=${store}`,
    ],
    args: [
      "pull",
      image,
      `--to=layout:${store}`,
      ...mirror === null ? [] : [`--mirror=${mirror}`],
    ],
    env: { ["DOCKER_CONFIG"]: config },
  });
}

type LogLine = Readonly<Record<string, unknown>>;

/** A node's log: kept in a file, and looked at. */
interface NodeLog {
  readonly line: (text: string) => void;
  /** Resolves with the first lines that have a message. */
  seen(msg: string, count: number): Promise<LogLine[]>;
  close(): void;
}

function nodeLog(path: string): NodeLog {
  const file = Deno.openSync(path, { append: true, create: true });
  const lines: LogLine[] = [];
  let wake = Promise.withResolvers<void>();
  return {
    line(text) {
      file.writeSync(new TextEncoder().encode(`${text}\n`));
      const line = parseLine(text);
      // One a request, which nobody waits for.
      if (line.msg === "request") return;
      lines.push(line);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    async seen(msg, count) {
      while (true) {
        const found = lines.filter((line) => line.msg === msg);
        if (found.length >= count) return found;
        await wake.promise;
      }
    },
    close: () => file.close(),
  };
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // Deno's own words.
  }
}

async function text(address: string, signal: AbortSignal): Promise<string> {
  using limit = deadline(signal, METRICS_MS);
  const url = `http://${address}/metrics`;
  const response = await fetch(url, { signal: limit.signal });
  return await response.text();
}

/** Finds the bytes that came from peers in the text of a node's metrics. */
export function receivedBytes(metrics: string): number {
  const line = metrics.split("\n").find((line) =>
    line.startsWith("peili_bytes_total{") &&
    line.includes('direction="received"')
  );
  return Number(line?.split(" ").at(-1) ?? 0);
}
