/**
 * Asks who is at a peer's address.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { readText } from "../async/read_text.ts";
import { type PeerFetch, StrangerError } from "../routing/peer_fetch.ts";
import { PEER_PATH } from "../routing/peer_paths.ts";

/** Who is there. */
export type Who =
  | {
    /** A Peili of this deployment. */
    readonly kind: "peer";
    readonly id: string;
    /** Its clock in ms, as HTTP tells it in whole seconds; null: untold. */
    readonly date: number | null;
  }
  | {
    /** A Peili that refuses this node, or does not prove that it is of it. */
    readonly kind: "stranger";
    /** What it has that this node has not; `unknown`: any of these. */
    readonly another: "secret" | "network" | "time" | "unknown";
    /** Its clock, as above. */
    readonly date: number | null;
  }
  | {
    /** `silent` is who does not even refuse: what is sent there is dropped. */
    readonly kind: "other" | "nobody" | "silent";
  };

/** Milliseconds for one peer; in a pull it would have far less. */
const PEER_MS = 2_000;

/** An identity is some 50 bytes, a refusal some 100. */
const MAX_ANSWER_BYTES = 1_024;

/** How peers are asked: by the door that proves who asks, and without it. */
export interface AskDeps {
  /** The door to peers. */
  readonly ask: PeerFetch;
  /** Without the deployment's secret. */
  readonly fetcher: typeof fetch;
}

/**
 * Asks who is there.
 *
 * @param address `host:port` of a peer listener
 * @param deps How it is asked
 * @returns Who answers
 */
export async function asksWho(
  address: string,
  { ask, fetcher }: AskDeps,
  signal: AbortSignal,
): Promise<Who> {
  using limit = deadline(signal, PEER_MS);
  const url = `http://${address}${PEER_PATH}`;
  const request = { signal: limit.signal };
  try {
    const response = await ask(url, request);
    const text = await textOf(response);
    const date = dateOf(response);
    if (response.status === 401) {
      const refusal = REFUSAL.exec(text);
      if (!refusal) return { kind: "other" };
      const another = ANOTHER[refusal[1] ?? ""] ?? "unknown";
      return { kind: "stranger", another, date };
    }
    const id = idIn(text);
    if (!response.ok || id === null) return { kind: "other" };
    return { kind: "peer", id, date };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (limit.signal.aborted && !signal.aborted) return { kind: "silent" };
    if (!(error instanceof StrangerError)) return { kind: "nobody" };
  }
  // No proof in its answer: a Peili without a secret, or no Peili at all.
  try {
    const response = await fetcher(url, request);
    const date = dateOf(response);
    const text = await textOf(response);
    if (idIn(text) === null) return { kind: "other" };
    return { kind: "stranger", another: "secret", date };
  } catch {
    return { kind: "nobody" }; // It was there a moment ago.
  }
}

/** What Peili says to whom it does not know, `membersOnly()`. */
const REFUSAL = /not of us(?:: ([a-z ]+))?/;

/** What is behind each of its reasons. */
const ANOTHER: Readonly<Record<string, "secret" | "network" | "time">> = {
  "no proof": "secret",
  "wrong proof": "secret",
  "another network": "network",
  "old proof": "time",
  "early proof": "time",
};

function dateOf({ headers }: Response): number | null {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? null : date;
}

/** What is too long is nothing that a Peili says. */
async function textOf({ body }: Response): Promise<string> {
  try {
    return await readText(body, MAX_ANSWER_BYTES);
  } catch (error) {
    if (error instanceof RangeError) return "";
    throw error;
  }
}

function idIn(text: string): string | null {
  try {
    const id = JSON.parse(text)?.id;
    return typeof id === "string" ? id : null;
  } catch {
    return null; // Not JSON: no Peili.
  }
}
