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
    /**
     * A `stranger` is a Peili with another secret, another network, or another
     * time of day.
     */
    readonly kind: "stranger" | "other" | "nobody";
  };

/** Milliseconds for one peer; in a pull it would have far less. */
const PEER_MS = 2_000;

/** An identity is some 50 bytes. */
const MAX_IDENTITY_BYTES = 1_024;

/**
 * Asks who is there.
 *
 * @param address `host:port` of a peer listener
 * @param ask The door to peers
 * @returns Who answers
 */
export async function asksWho(
  address: string,
  ask: PeerFetch,
  signal: AbortSignal,
): Promise<Who> {
  using limit = deadline(signal, PEER_MS);
  let response;
  try {
    response = await ask(`http://${address}${PEER_PATH}`, {
      signal: limit.signal,
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return { kind: error instanceof StrangerError ? "stranger" : "nobody" };
  }
  const id = await readId(response.body);
  if (response.status === 401) return { kind: "stranger" };
  if (!response.ok || id === null) return { kind: "other" };
  const date = Date.parse(response.headers.get("date") ?? "");
  return { kind: "peer", id, date: Number.isNaN(date) ? null : date };
}

async function readId(
  body: ReadableStream<Uint8Array> | null,
): Promise<string | null> {
  try {
    const id = JSON.parse(await readText(body, MAX_IDENTITY_BYTES))?.id;
    return typeof id === "string" ? id : null;
  } catch {
    return null; // Too long, broken off, or not JSON: no Peili.
  }
}
