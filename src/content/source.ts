/**
 * The interface of the project: a registry, as small as it can be.
 *
 * Everything that Peili does is an implementation of it or a function from it
 * to it: containerd's blobs, one peer, the whole cluster, a filter. HTTP is a
 * thin skin over it (`registry/handler.ts`).
 *
 * The life of a piece of content. A tag is resolved to a descriptor. The
 * descriptor's digest names bytes that never change: whoever has them may serve
 * them. They are pulled into an ingest, and once complete and checked they are
 * committed; only committed content is in a store. It stays until the image is
 * removed and garbage is collected, which nobody announces: what was there a
 * second ago may be gone, so every call looks again.
 *
 * @module
 */

import type { Descriptor } from "../oci/descriptor.ts";
import type { ByteRange, RangeRequest } from "../oci/range.ts";
import type { TagReference } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, and the body of what it opened. */
  readonly signal: AbortSignal;
}

/** What {@linkcode ContentSource.open} takes. */
export interface OpenOptions extends CallOptions {
  /** The part that is wanted; the whole content when left out. */
  readonly range?: RangeRequest | undefined;
}

/** A descriptor, and who told it. */
export interface Located extends Descriptor {
  /** {@linkcode LOCAL}, or the address of a peer. */
  readonly from: string;
}

/** Content that is open for reading. */
export interface OpenContent {
  /** The whole content's descriptor. */
  readonly descriptor: Descriptor;
  /**
   * What the body holds; null for the whole. A source may answer a range with
   * the whole where it cannot do otherwise.
   */
  readonly range: ByteRange | null;
  /**
   * The bytes, exactly as many as `range` or `descriptor.size` says. It is
   * read to the end or cancelled; both free what it holds. It errors when the
   * bytes cannot be had after all. Each chunk has a buffer of its own, which
   * is the reader's to keep or to free.
   */
  readonly body: ReadableStream<Uint8Array>;
  /** Whose bytes they are: {@linkcode LOCAL}, or the address of a peer. */
  readonly from: string;
  /** What the cluster decided, for the log; it changes while the body flows. */
  readonly flight?: FlightFacts;
}

/** How content was had of the cluster. */
export interface FlightFacts {
  /** From a complete copy, from a pull that is under way, or for all others. */
  readonly role: "holders" | "follow" | "lead";
  /** Hops from whoever goes upstream, for one that follows. */
  readonly depth?: number;
  /** How often the body went on elsewhere. */
  readonly rejoins: number;
}

/** `from` of content on this node. */
export const LOCAL = "local";

/**
 * Where content comes from. "Not here" is null, a value; an exception is a
 * fault, or a RegistryError that says more than "not here".
 */
export interface ContentSource {
  /**
   * Looks a tag up.
   *
   * @returns The descriptor of its manifest or index, or null
   */
  resolve(
    reference: TagReference,
    options: CallOptions,
  ): Promise<Located | null>;

  /**
   * Looks a digest up.
   *
   * @returns Its descriptor, or null when it is not here as that kind
   */
  stat(
    request: ContentRequest,
    options: CallOptions,
  ): Promise<Located | null>;

  /**
   * Opens content for reading.
   *
   * @returns The open content, or null when it is not here as that kind
   * @throws {RegistryError} RANGE_INVALID when the range begins behind the end
   */
  open(
    request: ContentRequest,
    options: OpenOptions,
  ): Promise<OpenContent | null>;
}
