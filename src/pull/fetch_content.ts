/**
 * One piece of content into one ingest: from whoever has it, through broken
 * bodies, until its digest fits.
 *
 * @module
 */

import { backoff, type BackoffOptions, sleep } from "../async/backoff.ts";
import { chunkReader } from "../async/chunks.ts";
import { watchdog } from "../async/watchdog.ts";
import type { LayoutIngest, LayoutWriter } from "../layout/writer.ts";
import { describeError } from "../log.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MANIFEST_TYPES } from "../oci/media_type.ts";
import { formatRange, parseContentRange } from "../oci/range.ts";
import type { AccessRequest } from "../upstream/access.ts";
import { FinalError } from "./final_error.ts";
import type { Origin, OriginName } from "./origins.ts";

/** What is to be had. */
export interface WantedContent {
  readonly kind: "manifest" | "blob";
  readonly repository: string;
  readonly descriptor: Descriptor;
}

/** What it takes. */
export interface FetchDeps {
  /** Whom to ask, in order. */
  readonly origins: readonly Origin[];
  readonly writer: Pick<LayoutWriter, "ingest">;
  /** Hears how many bytes there are, and of bytes that came. */
  readonly onBytes: (offset: number, from: OriginName | null) => void;
  /** Hears why something is tried anew. */
  readonly onTrouble: (problem: string) => void;
  readonly signal: AbortSignal;
  /**
   * Milliseconds without headers or a byte after which an answer is given up.
   *
   * @default {30_000}
   */
  readonly stallMs?: number;
  /**
   * Waits before tries that follow vain ones.
   *
   * @default {250 ms to 8 s}
   */
  readonly retryDelays?: BackoffOptions;
}

/**
 * A mirror that waits for another node's pull has 25 s for its first byte, and
 * containerd gives up at 30 s, too.
 */
const STALL_MS = 30_000;

/** Tries in a row that bring no byte, before it is given up. */
const MAX_VAIN_TRIES = 6;

/** The mirror is asked so often in vain, then the registry alone. */
const MAX_VAIN_MIRROR_TRIES = 2;

/** A registry that restarts, or counts requests, is asked for some 10 s. */
const RETRY_DELAYS: BackoffOptions = { initialMs: 250, maxMs: 8_000 };

/** Statuses that another try may change. */
const isPassing = (status: number) => status === 429 || status >= 500;

/**
 * Gets content; what an earlier pull left is gone on with.
 *
 * @param wanted What
 * @param deps From where, and into what
 * @throws {Error} If nobody has it, or what they have is something else
 */
export async function fetchContent(
  wanted: WantedContent,
  deps: FetchDeps,
): Promise<void> {
  try {
    return await fetchOnce(wanted, deps);
  } catch (error) {
    if (!(error instanceof CommitError) || deps.signal.aborted) throw error;
    // Peers check large content only at its end, or an old ingest was wrong.
    deps.onTrouble(`${error.message}; it is fetched anew from the registry`);
  }
  const origins = deps.origins.filter(({ name }) => name === "registry");
  await fetchOnce(wanted, { ...deps, origins });
}

/** All bytes are there, and they are others, or the disk does not keep them. */
class CommitError extends Error {
  override readonly name = "CommitError";
}

async function fetchOnce(
  wanted: WantedContent,
  deps: FetchDeps,
): Promise<void> {
  const { descriptor } = wanted;
  const { signal, writer } = deps;
  // Before anybody is asked: other nodes follow what they see grow here.
  const { digest } = descriptor;
  await using ingest = await writer.ingest(descriptor, {
    signal,
    onWait: () => deps.onTrouble(`another pull writes ${digest}: waiting`),
  });
  deps.onBytes(ingest.offset, null);
  await fill(ingest, wanted, deps);
  try {
    await ingest.commit();
  } catch (cause) {
    throw new CommitError(describeError(cause));
  }
}

async function fill(
  ingest: LayoutIngest,
  wanted: WantedContent,
  deps: FetchDeps,
): Promise<void> {
  const delays = backoff(deps.retryDelays ?? RETRY_DELAYS);
  const { signal } = deps;
  let vain = 0;
  while (ingest.offset < wanted.descriptor.size) {
    const before = ingest.offset;
    const origins = vain < MAX_VAIN_MIRROR_TRIES
      ? deps.origins
      : deps.origins.filter(({ name }) => name === "registry");
    const problem = await fillFrom(origins, ingest, wanted, deps);
    signal.throwIfAborted();
    if (problem === null) return;
    vain = ingest.offset > before ? 0 : vain + 1;
    if (problem instanceof FinalError || vain >= MAX_VAIN_TRIES) throw problem;
    deps.onTrouble(problem.message);
    if (vain === 0) delays.reset();
    else await sleep(delays.next(), signal);
  }
}

/** Asks in order; the first who has it sends. Null when all has come. */
async function fillFrom(
  origins: readonly Origin[],
  ingest: LayoutIngest,
  wanted: WantedContent,
  deps: FetchDeps,
): Promise<Error | null> {
  let problem: Error | null = null;
  for (const origin of origins) {
    using dog = watchdog(deps.signal, deps.stallMs ?? STALL_MS);
    const before = ingest.offset;
    let from = origin.name;
    try {
      const answer = await origin.ask(
        pathOf(wanted),
        requestOf(wanted, ingest.offset, dog.signal),
      );
      from = answer.from;
      const refused = await refusal(answer.response, wanted, ingest.offset);
      if (refused) {
        problem = refused;
        continue;
      }
      await copy(answer.response, ingest, wanted, (bytes) => {
        dog.moved();
        if (bytes > 0) deps.onBytes(ingest.offset, from);
      });
      return null;
    } catch (error) {
      deps.signal.throwIfAborted();
      if (error instanceof FinalError) return error;
      const reason = dog.signal.aborted ? dog.signal.reason : error;
      problem = new Error(
        `the ${from} failed at byte ${ingest.offset} of ` +
          `${wanted.descriptor.size}: ${describeError(reason)}`,
        { cause: error },
      );
      // What came is kept, and the rest asked of the first again.
      if (ingest.offset > before) return problem;
    }
  }
  return problem;
}

function pathOf({ kind, repository, descriptor }: WantedContent): string {
  return `${repository}/${kind}s/${descriptor.digest}`;
}

function requestOf(
  { kind, descriptor }: WantedContent,
  offset: number,
  signal: AbortSignal,
): AccessRequest {
  const accept = kind === "manifest"
    ? [...MANIFEST_TYPES].join(", ")
    : `${descriptor.mediaType}, */*`;
  return {
    method: "GET",
    signal,
    headers: {
      "Accept": accept,
      // fetch would ask for gzip and unpack it: other bytes than were asked.
      "Accept-Encoding": "identity",
      ...offset > 0 ? { Range: formatRange({ start: offset }) } : {},
    },
  };
}

/** Says why an answer is of no use; null when its body is what was asked. */
async function refusal(
  response: Response,
  { repository, descriptor: { digest } }: WantedContent,
  offset: number,
): Promise<Error | null> {
  const { status, headers } = response;
  const start = parseContentRange(headers.get("Content-Range") ?? "")?.start;
  const isWhole = status === 200;
  const isRest = status === 206 && start === offset;
  if ((isWhole || isRest) && !headers.has("Content-Encoding")) return null;
  await response.body?.cancel();
  const what = `${digest} of ${repository}`;
  if (isPassing(status) || isWhole || status === 206) {
    return new Error(`Cannot get ${what}: status ${status}`);
  }
  const word = status === 401 || status === 403
    ? "the credentials do not allow it"
    : status === 404
    ? "nobody has it"
    : "it is refused";
  return new FinalError(`Cannot get ${what}: ${word} (status ${status})`);
}

/** Adds a body to the ingest; a whole one is skipped as far as it is there. */
async function copy(
  { status, body }: Response,
  ingest: LayoutIngest,
  { descriptor: { size } }: WantedContent,
  onChunk: (bytes: number) => void,
): Promise<void> {
  if (!body) throw new Error("it sent no body");
  const reader = chunkReader(body);
  let skip = status === 200 ? ingest.offset : 0;
  while (true) {
    const chunk = await reader.read();
    if (chunk === null) break;
    const rest = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - rest.length;
    const fitting = rest.subarray(0, size - ingest.offset);
    if (fitting.length > 0) await write(ingest, fitting);
    onChunk(fitting.length);
    // Somebody sends more than there is: the digest decides what the rest is.
    if (fitting.length < rest.length) return await reader.cancel();
  }
  if (ingest.offset < size) throw new Error("it ended too early");
}

async function write(ingest: LayoutIngest, chunk: Uint8Array): Promise<void> {
  try {
    await ingest.write(chunk);
  } catch (cause) {
    throw new FinalError(`Cannot write: ${describeError(cause)}`, { cause });
  }
}
