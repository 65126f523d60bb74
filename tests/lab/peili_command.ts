/** How the lab starts Peili: its flags, and the few permissions it gets. @module */
import { dirname } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "../../deploy/run_task.ts";
import { MIRROR_ADDRESS } from "./hosts.ts";

/** What the command line of one node's Peili is made of. */
export interface PeiliPlace {
  ip: string;
  socket: string;
  contentPath: string;
  hostsPath: string;
  /** Peili's own folder. */
  dataPath: string;
  /** Addresses of all nodes, this one included. */
  ips: readonly string[];
}

/**
 * Flags by name, in kebab or camel case. They come on top of the lab's own;
 * null takes one of those away, "" gives a flag without a value.
 */
export type PeiliFlags = Record<string, string | number | null>;

/** Ports of the peer and the metrics listener. */
export const PEER_PORT = 5002;
export const METRICS_PORT = 9090;

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The script that is Peili: main.ts, or the bundle that PEILI_LAB_BIN names. */
export function peiliScript(): string {
  return Deno.env.get("PEILI_LAB_BIN") ?? `${ROOT}/main.ts`;
}

/** The flags that every node of a lab gets. */
function defaultFlags(place: PeiliPlace): PeiliFlags {
  return {
    "containerd-sock": place.socket,
    "containerd-namespace": "k8s.io",
    "containerd-content-path": place.contentPath,
    "containerd-registry-config-path": place.hostsPath,
    "data-dir": place.dataPath,
    "mirror-addr": MIRROR_ADDRESS,
    "peer-addr": `${place.ip}:${PEER_PORT}`,
    "metrics-addr": `${place.ip}:${METRICS_PORT}`,
    "static-peers": place.ips.map((ip) => `${ip}:${PEER_PORT}`).join(),
    "log-level": "info",
  };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Defaults and extras as arguments. */
export function flagArguments(place: PeiliPlace, extra: PeiliFlags): string[] {
  const flags = new Map(Object.entries(defaultFlags(place)));
  for (const [name, value] of Object.entries(extra)) {
    flags.set(kebab(name), value);
  }
  return [...flags].flatMap(([name, value]) => {
    if (value === null) return [];
    return value === "" ? [`--${name}`] : [`--${name}`, String(value)];
  });
}

/** The whole command. Nothing is fetched: a node reaches no package registry. */
export function peiliCommand(place: PeiliPlace, extra: PeiliFlags): string[] {
  const { socket, contentPath, hostsPath, dataPath } = place;
  const read = [socket, contentPath, hostsPath, dataPath];
  const write = [socket, dataPath];
  return [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--cached-only",
    "--no-lock",
    `--config=${ROOT}/deno.json`,
    "--allow-net",
    "--allow-env=PEILI_*,GRPC_*,grpc_*,NO_PROXY,no_proxy",
    "--allow-sys=networkInterfaces",
    `--allow-read=${read.join()}`,
    `--allow-write=${write.join()}`,
    `--v8-flags=${V8_FLAGS}`,
    peiliScript(),
    "run",
    ...flagArguments(place, extra),
  ];
}
