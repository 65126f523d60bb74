/**
 * What a router in a process of its own can be asked, as JSON lines.
 *
 * @module
 */

import type { AddrInfo } from "../../src/routing/bootstrap/http.ts";
import type { Peer, Router } from "../../src/routing/router.ts";
import {
  type Images,
  nodeAnswers,
  type NodeQuestions,
} from "./node_answers.ts";
import type { Answer } from "./talk.ts";

/** What such a process is told when it starts. */
export interface RouterProcessOptions {
  /** Name of its network. */
  network: string;
  /** Key of its private network, in hex; "": none. */
  swarmKey: string;
  /** Multiaddresses of others. */
  peers: string[];
  zone: string;
  /** Folder of its identity. */
  dataDir: string;
  /** Port of the router, 0 for any. */
  port: number;
  /** Peers that keep a record. */
  replicas: number;
}

/** What the process says first. */
export interface Started {
  info: AddrInfo;
  port: number;
}

/** Results of a row of lookups, in ms and counts. */
export interface LookedUp {
  found: number;
  p50: number;
  p99: number;
}

/** Questions, by name: what is asked, what is answered. */
export interface Commands extends NodeQuestions {
  lookup: [[key: string], Peer[]];
  advertise: [[keys: string[]], void];
  withdraw: [[keys: string[]], void];
  /** Lookups one after another, each to its first holder. */
  lookups: [[keys: string[]], LookedUp];
  /** Processor time in seconds and memory in bytes. */
  usage: [[], Usage];
}

/** What a process has taken: seconds of processor time, bytes of memory. */
export interface Usage {
  cpu: number;
  rss: number;
  hwm: number;
  anon: number;
}

/** Makes the answers of a router, by which a node may come to have images. */
export function answersOf(router: Router, images: Images = NO_IMAGES): Answer {
  const asNode = nodeAnswers(router, images);
  return async (name, args) => {
    const answered = await answer(router, name as keyof Commands, args);
    return answered === UNANSWERED ? await asNode(name, args) : answered;
  };
}

const NO_IMAGES: Images = {
  hold: () => Promise.reject(new Error("it has no images")),
  drop: () => Promise.reject(new Error("it has no images")),
};

const UNANSWERED = Symbol();

async function answer(
  router: Router,
  name: keyof Commands,
  [first]: readonly unknown[],
): Promise<unknown> {
  const keys = first as string[];
  switch (name) {
    case "lookup":
      return await Array.fromAsync(router.lookup(String(first), patient()));
    case "lookups":
      return await lookups(router, keys);
    case "advertise":
      return await router.advertise(keys);
    case "withdraw":
      return await router.withdraw(keys);
    case "usage":
      return usage();
    default:
      return UNANSWERED;
  }
}

/** Looks keys up, one after another. */
export async function lookups(
  router: Router,
  keys: readonly string[],
): Promise<LookedUp> {
  const times: number[] = [];
  let found = 0;
  for (const key of keys) {
    const began = performance.now();
    for await (const _peer of router.lookup(key, patient())) {
      found++;
      break;
    }
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.floor(times.length * part)] ?? 0;
  return { found, p50: at(0.5), p99: at(0.99) };
}

function patient(): { signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

/** Clock ticks a second, as Linux tells them to programs. */
const TICKS = 100;

/** What this process has taken. */
export function usage(): Usage {
  const status = Deno.readTextFileSync("/proc/self/status");
  const kib = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
  const stat = Deno.readTextFileSync("/proc/self/stat").split(") ")[1] ?? "";
  const [user = 0, system = 0] = stat.split(" ").slice(11, 13).map(Number);
  return {
    cpu: (user + system) / TICKS,
    rss: kib("VmRSS") << 10,
    hwm: kib("VmHWM") << 10,
    anon: kib("RssAnon") << 10,
  };
}
