/**
 * What nodes tell each other about flights, and reading it from the wire: JSON,
 * versioned, size-limited, unknown fields ignored.
 *
 * @module
 */

import { type Digest, parseDigest } from "../oci/digest.ts";

/** `POST`: a batch of messages to a home; the answer has one reply a message. */
export const FLIGHTS_PATH = "/peili/v1/flights";

/** A node asks where to take content from. */
export interface JoinMessage {
  readonly kind: "join";
  readonly digest: Digest;
  /** Address of the asker's peer listener. */
  readonly from: string;
  /** False: the asker has no ingest of it and is neither to lead nor to be followed. */
  readonly mayLead: boolean;
  /** True: tell only of holders and of who leads, another home decides. */
  readonly peek: boolean;
  /** Bytes that the asker has. */
  readonly offset: number;
  /** Size of the content in bytes, 0 when the asker does not know it. */
  readonly total: number;
  /** Complete copies that the asker knows of. */
  readonly holders: readonly string[];
  /** Peers that failed the asker for this digest. */
  readonly failed: readonly string[];
  /** That of `failed` which gave no byte for long, but did not break off. */
  readonly stalled: string | null;
}

/** A node that takes part tells how far it is. */
export interface ProgressMessage {
  readonly kind: "progress";
  readonly digest: Digest;
  readonly from: string;
  /** Whom it follows; null for one that goes upstream. */
  readonly parent: string | null;
  readonly offset: number;
  readonly total: number;
  /** True when it goes upstream and gets bytes from there, of whatever flight. */
  readonly flows: boolean;
  /**
   * Bytes a second that its parent gives while it has some; of one that goes
   * upstream, what it gets of all flights together. 0 while unknown.
   */
  readonly link: number;
  /** Bytes a second that the best of its sources gave lately, in any flight. */
  readonly best: number;
}

/** A node has all of it. */
export interface HaveMessage {
  readonly kind: "have";
  readonly digest: Digest;
  readonly from: string;
}

/** A node gave up, or what it got was corrupt. */
export interface GoneMessage {
  readonly kind: "gone";
  readonly digest: Digest;
  readonly from: string;
  readonly corrupt: boolean;
}

/** What a home is told. */
export type FlightMessage =
  | JoinMessage
  | ProgressMessage
  | HaveMessage
  | GoneMessage;

/** What a home answers, and to progress: what to do from now on. */
export type FlightReply =
  /** Go upstream; others will follow you. */
  | { readonly kind: "lead" }
  /** Take it from the first of these while it grows; so many hops from the root. */
  | {
    readonly kind: "follow";
    readonly peers: readonly string[];
    readonly depth?: number;
  }
  /** Take it from one of these, which have all of it. */
  | { readonly kind: "holders"; readonly peers: readonly string[] }
  /** Nobody has it, or it was no question: go on. */
  | { readonly kind: "none" };

/** A batch holds at most so many messages and so many bytes. */
export const MAX_MESSAGES = 256;
/** A batch of {@linkcode MAX_MESSAGES} joins with all their lists is shorter. */
export const MAX_BATCH_BYTES: number = 512 << 10;
/** A list of peers in a message is cut off here. */
export const MAX_PEERS = 16;

/** Version of what is said; a home answers its own version only. */
const VERSION = 1;

/**
 * Writes messages.
 *
 * @param messages At most {@linkcode MAX_MESSAGES}
 * @returns The text of a batch
 */
export function encodeMessages(messages: readonly FlightMessage[]): string {
  return JSON.stringify({ v: VERSION, messages });
}

/**
 * Reads messages.
 *
 * @param text What a peer sent
 * @returns The messages
 * @throws {TypeError} If it is not a batch of this version; one message that is
 * not understood spoils it all, because replies are matched by their place
 */
export function decodeMessages(text: string): FlightMessage[] {
  const batch = parseBatch(text, "messages");
  return batch.slice(0, MAX_MESSAGES).map(toMessage);
}

/**
 * Writes replies.
 *
 * @param replies One a message
 * @returns The text of the answer
 */
export function encodeReplies(replies: readonly FlightReply[]): string {
  return JSON.stringify({ v: VERSION, replies });
}

/**
 * Reads replies.
 *
 * @param text What a home sent
 * @returns The replies
 * @throws {TypeError} If it is not an answer of this version
 */
export function decodeReplies(text: string): FlightReply[] {
  return parseBatch(text, "replies").slice(0, MAX_MESSAGES).map(toReply);
}

function parseBatch(text: string, key: string): unknown[] {
  const value = JSON.parse(text);
  const list = value?.v === VERSION ? value[key] : null;
  if (Array.isArray(list)) return list;
  throw new TypeError(`Cannot read ${key}: not of version ${VERSION}`);
}

function toMessage(value: unknown): FlightMessage {
  const fields = toFields(value);
  const digest = parseDigest(text(fields.digest));
  if (!digest) throw new TypeError("Cannot read a message: no digest");
  const from = text(fields.from);
  const { kind } = fields;
  if (kind === "join") {
    return {
      kind,
      digest,
      from,
      mayLead: fields.mayLead === true,
      peek: fields.peek === true,
      offset: bytes(fields.offset),
      total: bytes(fields.total),
      holders: peers(fields.holders),
      failed: peers(fields.failed),
      stalled: typeof fields.stalled === "string" ? text(fields.stalled) : null,
    };
  }
  if (kind === "progress") {
    const parent = fields.parent === null ? null : text(fields.parent);
    const { offset, total } = fields;
    return {
      kind,
      digest,
      from,
      parent,
      offset: bytes(offset),
      total: bytes(total),
      flows: fields.flows === true,
      link: bytes(fields.link),
      best: bytes(fields.best),
    };
  }
  if (kind === "have") return { kind, digest, from };
  if (kind === "gone") {
    return { kind, digest, from, corrupt: fields.corrupt === true };
  }
  throw new TypeError("Cannot read a message: unknown kind");
}

function toReply(value: unknown): FlightReply {
  const fields = toFields(value);
  const { kind } = fields;
  if (kind === "follow" || kind === "holders") {
    const told = peers(fields.peers);
    if (told.length === 0) return { kind: "none" };
    const depth = bytes(fields.depth);
    return kind === "follow" && depth > 0
      ? { kind, peers: told, depth }
      : { kind, peers: told };
  }
  return kind === "lead" ? { kind } : { kind: "none" };
}

function toFields(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null) {
    return value as Record<string, unknown>;
  }
  throw new TypeError("Cannot read a message: not an object");
}

function text(value: unknown): string {
  if (typeof value === "string" && value.length <= 255) return value;
  throw new TypeError("Cannot read a message: a text is missing or too long");
}

function bytes(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 0;
}

function peers(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MAX_PEERS).map(text);
}
