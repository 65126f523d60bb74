/**
 * Leading: sending this node's own containerd upstream, and remembering why.
 *
 * @module
 */

import { type BoundedMap, boundedMap } from "../async/bounded_map.ts";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/error.ts";
import type { ContentRequest } from "../oci/request.ts";

/** Finds a registry's base URL; null where nobody knows it. */
export type Upstream = (registry: string) => Promise<string | null>;

/** What a node remembers of leading. */
export interface Leads {
  /**
   * The "not here, go there" (307) that sends this node's containerd upstream
   * and, unlike a 404, lets it keep its download slot; null where nobody knows
   * the registry's address.
   */
  redirect(request: ContentRequest): Promise<RegistryError | null>;
  /** A body ended so that the Range request that follows leads at once. */
  expect(digest: Digest): void;
  /** From now on this digest comes from upstream only, on this node. */
  distrust(digest: Digest): void;
  /**
   * Tells whether a request goes upstream without asking anybody. What was
   * expected is asked for once: if upstream fails, too, peers are asked again.
   */
  takeDecided(digest: Digest): boolean;
}

/** Milliseconds in which containerd asks again after a body ended: it does so at once. */
const EXPECT_MS = 10_000;

/** Milliseconds for which corrupt content is not taken from peers. */
const DISTRUST_MS = 600_000;

const MAX_DIGESTS = 4_096;

/**
 * Makes the memory of a node.
 *
 * @param upstream Finds registries
 * @param now Milliseconds of a clock that does not go back
 * @returns The memory, empty
 */
export function leads(
  upstream: Upstream,
  now: () => number = () => performance.now(),
): Leads {
  const expected = boundedMap<Digest, number>(MAX_DIGESTS); // Until, in ms.
  const distrusted = boundedMap<Digest, number>(MAX_DIGESTS);
  const holds = (until: BoundedMap<Digest, number>, digest: Digest) =>
    (until.get(digest) ?? 0) > now();
  return {
    async redirect({ kind, registry, repository, digest }) {
      const base = registry && await upstream(registry);
      if (!base) return null;
      const code = kind === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
      return new RegistryError(code, `this node leads ${digest}`, {
        status: 307,
        headers: { Location: `${base}/v2/${repository}/${kind}s/${digest}` },
      });
    },
    expect: (digest) => expected.set(digest, now() + EXPECT_MS),
    distrust: (digest) => distrusted.set(digest, now() + DISTRUST_MS),
    takeDecided(digest) {
      const isExpected = holds(expected, digest);
      expected.delete(digest);
      return isExpected || holds(distrusted, digest);
    },
  };
}
