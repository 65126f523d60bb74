/**
 * The first lines of a `hosts.toml` that Peili wrote. They tell it apart from
 * the user's, also when the user has edited it since.
 * @module
 */

import { createHash } from "node:crypto";

/** What Peili put into a file that it wrote; the rest is the user's. */
export interface Mark {
  /** URLs of the hosts that are Peili's. */
  hosts: string[];
  /** Names of the settings on the first level that are Peili's. */
  settings: string[];
  /** Whether a file of the user's went into it. */
  merged: boolean;
}

/** Who a text belongs to. `edited`: Peili wrote it, the user changed it. */
export type Ownership =
  | { kind: "ours"; mark: Mark }
  | { kind: "edited"; mark: Mark }
  | { kind: "user" };

const NOTE = "# Written by Peili. Hosts that you add are kept.\n";
const MARK = /^# peili: (\{.*\})\n/m;

/** Puts the mark before a text. */
export function markText(text: string, mark: Mark): string {
  const json = JSON.stringify({ ...mark, sha256: sha256(text) });
  return `${NOTE}# peili: ${json}\n\n${text}`;
}

/** Says who a text belongs to. A mark that cannot be read is no mark. */
export function ownershipOf(text: string): Ownership {
  const [, json] = MARK.exec(text) ?? [];
  if (json === undefined) return { kind: "user" };
  const mark = readMark(json);
  if (!mark) return { kind: "user" };
  // The whole text is compared, so that not even a comment of the user's above
  // the mark passes for ours.
  const body = text.slice(text.indexOf("\n\n") + 2);
  return { kind: markText(body, mark) === text ? "ours" : "edited", mark };
}

function readMark(json: string): Mark | null {
  try {
    const { hosts, settings, merged } = JSON.parse(json);
    if (!isStrings(hosts) || !isStrings(settings)) return null;
    return { hosts, settings, merged: merged === true };
  } catch {
    // Not JSON: somebody else's comment that looks like ours.
    return null;
  }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) &&
    value.every((item) => typeof item === "string");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
