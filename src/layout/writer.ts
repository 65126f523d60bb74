/**
 * Writing into an OCI image layout, safely beside other writers and while it is
 * served: content grows in an ingest, is checked, and appears complete.
 *
 * @module
 */

import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { blobPath, fileFacts } from "./folder.ts";
import { tagInIndex } from "./index_file.ts";
import { openIngest } from "./open_ingest.ts";

/** What an ingest is opened with. */
export interface IngestOptions {
  /**
   * Names the pull: who comes again with the same goes on where it ended. It
   * ends in `-<digest>` or `@<digest>`, as containerd's do.
   *
   * @default {`content-<digest>`}
   */
  readonly ref?: string;
  /** Ends the wait for another who writes the same. */
  readonly signal: AbortSignal;
  /** Hears once that another writes the same, and is waited for. */
  readonly onWait?: () => void;
}

/**
 * Content that is being written. Other nodes can follow it while it grows. It is
 * this writer's alone until it is committed or closed; `await using` closes it.
 */
export interface LayoutIngest extends AsyncDisposable {
  /**
   * Bytes that are there: go on with the next one. It is the whole size when
   * nothing is left to be done but commit().
   */
  readonly offset: number;
  /**
   * Adds the next bytes.
   *
   * @throws {RangeError} If there are more than the descriptor says
   * @throws {Error} If the disk does not take them
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Makes it complete: checks size and digest of all of it, waits for the disk
   * and moves it to the blobs in one step.
   *
   * @throws {Error} If bytes are missing (they are kept, and can be added), or
   * are not the digest's (all is discarded)
   */
  commit(): Promise<void>;
  /** Closes it and keeps its bytes: the next one who comes goes on from there. */
  abort(): Promise<void>;
}

/** Writes into one layout. */
export interface LayoutWriter {
  /**
   * Tells whether content is complete here.
   *
   * @param size What its descriptor says, in bytes: a shorter file is not it
   */
  has(digest: Digest, size?: number): Promise<boolean>;
  /**
   * Begins to write content, or goes on. Only what a manifest here refers to is
   * served once it is complete, so write manifests first.
   *
   * @returns The ingest, once nobody else writes it; whole when it is complete
   * here or became so meanwhile
   * @throws {TypeError} If the ref does not end in the digest
   * @throws The signal's reason
   */
  ingest(descriptor: Descriptor, options: IngestOptions): Promise<LayoutIngest>;
  /**
   * Names a manifest or an index; what had the name before loses it.
   *
   * @param name `registry/repository:tag`; null lists it without a name
   * @throws {TypeError} If the name is not that of an image with a tag
   * @throws {Error} If index.json is not understood: it is left as it is
   */
  tag(name: string | null, descriptor: Descriptor): Promise<void>;
}

/**
 * Makes the writer of a layout.
 *
 * @param root Its folder; it is made with the first thing written
 * @returns The writer; any number of them, in any process, work side by side
 *
 * @example
 * ```ts
 * import { digestOf, layoutWriter } from "@peili/peili";
 *
 * const root = await Deno.makeTempDir();
 * const bytes = new TextEncoder().encode("hello");
 * const digest = digestOf(bytes);
 * const mediaType = "application/octet-stream";
 * const descriptor = { mediaType, digest, size: bytes.length };
 *
 * const writer = layoutWriter(root);
 * const { signal } = new AbortController();
 * await using ingest = await writer.ingest(descriptor, { signal });
 * await ingest.write(bytes.subarray(ingest.offset));
 * await ingest.commit();
 * console.log(await writer.has(digest)); // true
 * await Deno.remove(root, { recursive: true });
 * ```
 */
export function layoutWriter(root: string): LayoutWriter {
  return {
    async has(digest, size) {
      const found = await fileFacts(blobPath(root, digest));
      return found !== null && (size === undefined || found.size === size);
    },
    ingest: (descriptor, options) => openIngest(root, descriptor, options),
    tag: (name, descriptor) => tagInIndex(root, name, descriptor),
  };
}
