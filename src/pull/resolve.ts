/**
 * What a name stands for now: the first step of a pull.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { backoff, type BackoffOptions, sleep } from "../async/backoff.ts";
import { watchdog } from "../async/watchdog.ts";
import { describeError } from "../log.ts";
import { type Descriptor, descriptorFromHeaders } from "../oci/descriptor.ts";
import {
  type Digest,
  digestOf,
  parseDigest,
  splitDigest,
} from "../oci/digest.ts";
import {
  MANIFEST_MAX_BYTES,
  MANIFEST_TYPES,
  manifestType,
} from "../oci/media_type.ts";
import type { AccessRequest } from "../upstream/access.ts";
import { FinalError } from "./final_error.ts";
import type { Origin } from "./origins.ts";

/** How a name is looked up. */
export interface ResolveOptions {
  /** Whom to ask, in order. */
  readonly origins: readonly Origin[];
  /** Path of the repository. */
  readonly repository: string;
  /** A tag or a digest. */
  readonly target: string;
  readonly signal: AbortSignal;
  /** Hears why they are asked again. */
  readonly onTrouble: (problem: string) => void;
  /**
   * Milliseconds without an answer after which the next one is asked.
   *
   * @default {30_000}
   */
  readonly stallMs?: number;
  /**
   * Waits between two rounds of asking.
   *
   * @default {500 ms to 2 s}
   */
  readonly retryDelays?: BackoffOptions;
}

/** Rounds of asking: a registry that restarts, or a network that blinks. */
const MAX_ROUNDS = 3;
const RETRY_DELAYS: BackoffOptions = { initialMs: 500, maxMs: 2_000 };

/** containerd waits so long for headers; a mirror answers a tag within 1 s. */
const STALL_MS = 30_000;

/**
 * Looks a tag or a digest up.
 *
 * @param options What, and whom to ask
 * @returns The descriptor of the manifest or index
 * @throws {Error} If nobody has it; the message says what the last one said
 */
export async function resolveTarget(
  options: ResolveOptions,
): Promise<Descriptor> {
  const { repository, target, signal, onTrouble } = options;
  const delays = backoff(options.retryDelays ?? RETRY_DELAYS);
  for (let round = 1;; round++) {
    const found = await askInOrder(options);
    if ("descriptor" in found) return found.descriptor;
    const { problem } = found;
    const said = `Cannot look up ${target} of ${repository}: ${
      describeError(problem)
    }`;
    if (problem instanceof FinalError || round === MAX_ROUNDS) {
      throw new Error(said);
    }
    onTrouble(`${said}; trying again`);
    await sleep(delays.next(), signal);
    signal.throwIfAborted();
  }
}

/** The first answer, or what the last one said who has none. */
async function askInOrder(
  { origins, repository, target, signal, stallMs = STALL_MS }: ResolveOptions,
): Promise<{ descriptor: Descriptor } | { problem: unknown }> {
  let problem: unknown;
  for (const origin of origins) {
    using dog = watchdog(signal, stallMs);
    const path = `${repository}/manifests/${target}`;
    try {
      const digest = parseDigest(target);
      return { descriptor: await ask(origin, path, digest, dog.signal) };
    } catch (error) {
      signal.throwIfAborted();
      problem = dog.signal.aborted
        ? new FinalError(describeError(dog.signal.reason)) // Long enough.
        : error;
    }
  }
  return { problem };
}

/** By HEAD; by GET where that says too little. */
async function ask(
  origin: Origin,
  path: string,
  digest: Digest | null,
  signal: AbortSignal,
): Promise<Descriptor> {
  const head = await origin.ask(path, requestOf("HEAD", signal));
  const { status, ok, headers } = head.response;
  await head.response.body?.cancel();
  if (!ok && status !== 405) throw refused(head.from, status);
  const told = ok ? descriptorFromHeaders(headers) : null;
  if (told && (digest === null || told.digest === digest)) {
    const mediaType = told.mediaType.replace(/\s*;.*$/s, "");
    return { ...told, mediaType };
  }
  const { from, response } = await origin.ask(path, requestOf("GET", signal));
  if (!response.ok) {
    await response.body?.cancel();
    throw refused(from, response.status);
  }
  const bytes = await readManifest(response);
  const mediaType = manifestType(bytes);
  const algorithm = digest ? splitDigest(digest).algorithm : "sha256";
  const found = digestOf(bytes, algorithm);
  if (mediaType === null || digest !== null && found !== digest) {
    throw new FinalError(`Cannot use ${path}: the ${from} sent something else`);
  }
  return { mediaType, digest: found, size: bytes.length };
}

function requestOf(
  method: "GET" | "HEAD",
  signal: AbortSignal,
): AccessRequest {
  const headers = {
    "Accept": [...MANIFEST_TYPES].join(", "),
    "Accept-Encoding": "identity",
  };
  return { method, headers, signal };
}

function refused(from: string, status: number): Error {
  const why = status === 404
    ? "there is no such image"
    : status === 401 || status === 403
    ? "there is no such image, or it needs other credentials (docker login)"
    : status === 429
    ? "too many requests; credentials may raise the limit (docker login)"
    : "it is refused";
  const said = `the ${from} says: ${why} (status ${status})`;
  return status >= 500 ? new Error(said) : new FinalError(said);
}

/** All of a body, and never more than a manifest may have. */
async function readManifest({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MANIFEST_MAX_BYTES) throw new Error("the manifest is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
