/** What the stand-in mirror and those who start it both know. @module */
import { fileURLToPath } from "node:url";

/** How a leader's containerd is sent upstream. */
export type LeadAnswer = "404" | "307";

/** What a stand-in prints, one JSON object a line. */
export type StandInLine =
  /** Nothing has come to any node for a while; so many requests wait here. */
  | { kind: "nothing comes"; waiting: number }
  /** A request waited in vain. */
  | { kind: "gave up" };

const SCRIPT = fileURLToPath(new URL("./stand_in_mirror.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** The shell command that is the stand-in. */
export function standInCommand(answer: LeadAnswer): string {
  const flags = `-A --cached-only --no-lock --config=${CONFIG}`;
  return `ANSWER=${answer} exec ${Deno.execPath()} run ${flags} ${SCRIPT}`;
}
