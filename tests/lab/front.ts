/** A front of the lab's registry that misbehaves as a test wants it to. @module */
import { join } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { startDaemon } from "./daemon.ts";
import { hostsWithMirror } from "./hosts.ts";
import type { Lab } from "./lab.ts";

/** What the front does instead of its work: a status, or worse. */
export type Misbehaviour = number | "stall-headers" | "stall-body" | "close";

/** Which GETs are spoilt, and how. */
export interface FrontRule {
  /** A part of the path. */
  path: string;
  what: Misbehaviour;
  /** Only this client. */
  ip?: string;
  /** Only so many requests. */
  times?: number;
}

/** What the front is told. */
export interface FrontRules {
  rules: FrontRule[];
  /** How content is protected. */
  auth: "none" | "basic" | "bearer";
  /** A part of the paths that are protected; the rest is for everybody. */
  protects: string;
  /** NAME:PASSWORD */
  credentials: string;
}

/** A request that the front has answered. */
export interface FrontLine {
  ip: string;
  method: string;
  path: string;
  status: number;
}

/** The front as a test sees it. */
export interface Front {
  /** ADDRESS:PORT: the registry's name in images. */
  readonly registry: string;
  /** Changes what it does from the next request on. */
  tell(rules: Partial<FrontRules>): Promise<void>;
}

const PORT = 5001;

/** How long it may take to answer. */
const START_MS = 20_000;

/** Starts the front and names it, behind the mirror, in all hosts.toml. */
export async function startFront(lab: Lab): Promise<Front> {
  const { upstream, folder } = lab;
  const registry = `${upstream.ip}:${PORT}`;
  const url = `http://${registry}`;
  const rulesFile = join(folder.path, "upstream/front.json");
  const tell = async (rules: Partial<FrontRules>) => {
    const all = {
      rules: [],
      auth: "none",
      protects: "/blobs/",
      credentials: "",
      ...rules,
    };
    await Deno.writeTextFile(`${rulesFile}.new`, JSON.stringify(all));
    await Deno.rename(`${rulesFile}.new`, rulesFile);
  };
  await tell({});
  const script = fileURLToPath(new URL("./front_server.ts", import.meta.url));
  const argv = [
    ...[Deno.execPath(), "run", "-A", "--no-lock", script],
    ...[String(PORT), upstream.url, rulesFile],
  ];
  const daemon = await startDaemon(folder, {
    name: "the registry's front",
    argv,
    log: join(folder.path, "upstream/front.log"),
    namespace: upstream.namespace,
  });
  await daemon.until("to answer", START_MS, async () => {
    return await upstream.httpStatus(`${url}/v2/`) === 200;
  });
  for (const node of lab.nodes) {
    await node.writeHosts(hostsWithMirror(url), registry);
  }
  return { registry, tell };
}
