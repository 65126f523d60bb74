/**
 * What a node has and what it is getting, as one source, across the moment of
 * commit.
 *
 * @module
 */

import { sleep } from "../async/backoff.ts";
import { firstOf } from "./combine.ts";
import type { ContentSource } from "./source.ts";
import type { Digest } from "../oci/digest.ts";

/**
 * containerd moves an ingest away before it makes the content known: for the
 * time of a database write, 5 to 10 ms and more on a busy disk, a pull is
 * neither; a layout is looked at as two folders, one after the other. Milliseconds
 * to wait for it to be one of them.
 */
const COMMIT_MS = 500;

/** Milliseconds between two looks meanwhile. */
const LOOK_MS = 15;

/**
 * Puts the two together.
 *
 * @param committed What is complete
 * @param growing What is being pulled
 * @param takesPart Tells whether this node is pulling a digest for others, too:
 * then "neither" is looked at again
 * @returns Both as one source
 */
export function settled(
  committed: ContentSource,
  growing: ContentSource,
  takesPart: (digest: Digest) => boolean,
): ContentSource {
  const either = firstOf(committed, growing);

  async function until<T>(
    digest: Digest,
    signal: AbortSignal,
    look: () => Promise<T | null>,
  ): Promise<T | null> {
    const giveUpAt = performance.now() + COMMIT_MS;
    let found = await look();
    while (
      found === null && takesPart(digest) && performance.now() < giveUpAt &&
      !signal.aborted
    ) {
      await sleep(LOOK_MS, signal);
      found = await look();
    }
    return found;
  }

  return {
    resolve: (reference, options) => committed.resolve(reference, options),
    stat: (request, options) =>
      until(
        request.digest,
        options.signal,
        () => either.stat(request, options),
      ),
    open: (request, options) =>
      until(
        request.digest,
        options.signal,
        () => either.open(request, options),
      ),
  };
}
