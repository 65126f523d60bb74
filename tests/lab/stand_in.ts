/** What the stand-in mirror and those who start it both know. @module */
import { fileURLToPath } from "node:url";

/** How a leader's containerd is sent upstream. */
export type LeadAnswer = "404" | "307";

/** One wait that was given up, since nothing came any more. */
export interface Standstill {
  /** How many requests waited on the leader's node then, it included. */
  waiting: number;
}

const SCRIPT = fileURLToPath(new URL("./stand_in_mirror.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** The node that leads a blob; the first is 1. */
export function leaderOf(digest: string, nodes: number): number {
  return 1 + parseInt(digest.slice(-8), 16) % nodes;
}

/** The shell command that is the stand-in. */
export function standInCommand(answer: LeadAnswer): string {
  const flags = `-A --cached-only --no-lock --config=${CONFIG}`;
  return `ANSWER=${answer} exec ${Deno.execPath()} run ${flags} ${SCRIPT}`;
}
