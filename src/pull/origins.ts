/**
 * Where a pull asks: the mirror first, then the registry itself, as containerd
 * does.
 *
 * @module
 */

import {
  type Access,
  type AccessRequest,
  redirectTarget,
} from "../upstream/access.ts";

/** Who sent bytes. */
export type OriginName = "mirror" | "registry";

/** An answer, and whose it is. */
export interface OriginAnswer {
  /** The registry when the mirror sent us there. */
  readonly from: OriginName;
  readonly response: Response;
}

/** One of the places to ask. */
export interface Origin {
  readonly name: OriginName;
  /**
   * Asks for a path below `/v2/`.
   *
   * @throws {Error} If nobody answers
   */
  ask(path: string, request: AccessRequest): Promise<OriginAnswer>;
}

/** Which places there are. */
export interface OriginsOptions {
  /** Host with an optional port, as in the image's name. */
  readonly registry: string;
  /** The registry's base URL. */
  readonly registryUrl: string;
  /** The way to the registry, with its credentials. */
  readonly access: Access;
  /** Base URL of the mirror, if there is one. */
  readonly mirror: string | null;
  /** Hears, once, that nobody answers at the mirror's address. */
  readonly onMirrorAway: (error: unknown) => void;
  /**
   * How the mirror is asked.
   *
   * @default {fetch}
   */
  readonly fetcher?: typeof fetch;
}

/**
 * Makes the places to ask, in order.
 *
 * @param options Which
 * @returns The mirror if there is one, and the registry
 */
export function origins(options: OriginsOptions): readonly Origin[] {
  const { registryUrl, access, mirror } = options;
  const registry: Origin = {
    name: "registry",
    ask: async (path, request) => ({
      from: "registry",
      response: await access(`${registryUrl}/v2/${path}`, request),
    }),
  };
  return mirror === null
    ? [registry]
    : [mirrorOrigin(mirror, options), registry];
}

/**
 * A mirror learns which registry is meant, and nothing of who asks. Its redirect
 * to the registry means: it is this node's turn to go there.
 */
function mirrorOrigin(
  mirror: string,
  { registry, access, onMirrorAway, fetcher = fetch }: OriginsOptions,
): Origin {
  const ns = encodeURIComponent(registry);
  let isAway = false;

  async function reach(url: string, request: AccessRequest): Promise<Response> {
    try {
      return await fetcher(url, { ...request, redirect: "manual" });
    } catch (error) {
      if (!isAway && !request.signal.aborted) onMirrorAway(error);
      isAway = true;
      throw error;
    }
  }

  return {
    name: "mirror",
    async ask(path, request) {
      const url = `${mirror}/v2/${path}?ns=${ns}`;
      const response = await reach(url, request);
      const target = redirectTarget(response, url);
      if (target === null) return { from: "mirror", response };
      await response.body?.cancel();
      return { from: "registry", response: await access(target, request) };
    },
  };
}
