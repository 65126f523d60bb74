/**
 * A node's store, whatever it is: what the node has, what it is getting, and
 * what changes.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import type { Ingests } from "./ingests.ts";
import type { PullState } from "./pull_state.ts";
import { settled } from "./settled.ts";
import type { ContentSource } from "./source.ts";
import type { ContentWatcher } from "./watcher.ts";

/** A node's store. Disposing it ends what it holds open. */
export interface Store extends Disposable {
  /** Its committed content. */
  readonly source: ContentSource;
  /** The same and what is being pulled, as far as that will really grow. */
  readonly shared: ContentSource;
  /** This node's own pull of a digest, if there is one; looks at the disk alone. */
  readonly pulling: (digest: Digest) => Promise<PullState>;
  /** How far this node's own pull of a digest is. */
  readonly pullState: (digest: Digest) => Promise<PullState>;
  /** Its changes. The source knows no sharing rule by name before the first batch. */
  readonly watcher: ContentWatcher;
}

/** What a store is made of. */
export interface StoreParts {
  /** Its committed content. */
  readonly source: ContentSource;
  /** Its changes. */
  readonly watcher: ContentWatcher;
  /** What is being pulled. */
  readonly ingests: Ingests;
  /** Tells whether content is committed; throws while the store is away. */
  readonly has: (digest: Digest) => Promise<boolean>;
  /** Tells whether this node takes part in a flight of a digest. */
  readonly takesPart: (digest: Digest) => boolean;
}

/**
 * Puts the parts of a store together.
 *
 * @param parts Committed content, changes, pulls
 * @returns The store, but for what it holds open
 */
export function storeOf(parts: StoreParts): Omit<Store, typeof Symbol.dispose> {
  const { source, watcher, ingests, has, takesPart } = parts;
  const pulling = async (digest: Digest): Promise<PullState> => {
    const ingest = await ingests.find(digest);
    return ingest && { kind: "pulling", ...ingest };
  };
  return {
    source,
    watcher,
    shared: settled(source, ingests.source, takesPart),
    pulling,
    async pullState(digest) {
      const state = await pulling(digest);
      if (state) return state;
      try {
        return await has(digest) ? { kind: "complete" } : null;
      } catch {
        return { kind: "unknown" }; // The store is away; the watcher says so.
      }
    },
  };
}
