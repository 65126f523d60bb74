/**
 * Talking to a home, in the words of its tests.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  emptyHome,
  expire,
  handle,
  type HomeOptions,
  type HomeState,
} from "../../src/flight/home.ts";
import type {
  FlightMessage,
  FlightReply,
  JoinMessage,
  ProgressMessage,
} from "../../src/flight/messages.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";

/** The content that is spoken of when nothing else is said. */
export const LAYER: Digest = digestOf("layer");

/** Its size in bytes: more than is small. */
export const LAYER_BYTES = 100_000_000;

/** A home and a clock that stands still until it is told to go. */
export interface Conversation {
  /** What home knows. */
  readonly state: HomeState;
  /** Lets time pass. */
  wait(ms: number): void;
  /** Says anything. */
  say(message: FlightMessage): FlightReply;
  /** Asks as a node with an ingest of 0 bytes of the layer, unless told otherwise. */
  join(from: string, facts?: Partial<JoinMessage>): FlightReply;
  /** Tells how far a node is that goes upstream, unless told otherwise. */
  progress(
    from: string,
    offset: number,
    facts?: Partial<ProgressMessage>,
  ): FlightReply;
  /** Tells that a node has all of it. */
  have(from: string, digest?: Digest): FlightReply;
  /** Tells that a node gave up, or what it got was corrupt. */
  gone(from: string, facts?: { readonly corrupt: boolean }): FlightReply;
  /** Forgets what is due. */
  expire(): void;
}

/** Begins with a home that knows nothing. */
export function conversation(
  options: HomeOptions = { fanOut: 2 },
): Conversation {
  const state = emptyHome();
  let now = 1_000_000;
  const say = (message: FlightMessage) => handle(state, message, now, options);
  return {
    state,
    say,
    wait: (ms) => void (now += ms),
    join: (from, facts = {}) =>
      say({
        kind: "join",
        digest: LAYER,
        from,
        mayLead: true,
        peek: false,
        offset: 0,
        total: LAYER_BYTES,
        holders: [],
        failed: [],
        stalled: null,
        ...facts,
      }),
    progress: (from, offset, facts = {}) =>
      say({
        kind: "progress",
        digest: LAYER,
        from,
        parent: null,
        offset,
        total: LAYER_BYTES,
        flows: false,
        link: 0,
        best: 0,
        ...facts,
      }),
    have: (from, digest = LAYER) => say({ kind: "have", digest, from }),
    gone: (from, { corrupt } = { corrupt: false }) =>
      say({ kind: "gone", digest: LAYER, from, corrupt }),
    expire: () => expire(state, now),
  };
}

/** Told to go upstream for all. */
export const LEAD: FlightReply = { kind: "lead" };
/** Told nothing. */
export const NONE: FlightReply = { kind: "none" };

/** Longer than a node that grows is silent, shorter than any memory. */
export const STALL_MS = 2_000;

/** Whom a reply names first. */
export function parentOf(reply: FlightReply): string {
  assert.ok("peers" in reply, `told ${reply.kind}`);
  return reply.peers[0] ?? assert.fail("nobody is named");
}

/** A leads and has bytes, B and C follow it. */
export function threeFly(home: Conversation): void {
  assert.deepEqual(home.join("a"), LEAD);
  assert.equal(parentOf(home.join("b")), "a");
  assert.equal(parentOf(home.join("c")), "a");
  home.progress("a", 10);
  home.progress("b", 9, { parent: "a" });
  home.progress("c", 8, { parent: "a" });
}
