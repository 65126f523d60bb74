/**
 * How a containerd is set up, asked over gRPC: what runs, which may be other
 * than what its files say.
 *
 * @module
 */

import {
  type ContainerdCalls,
  containerdCalls,
  type ContainerdClientOptions,
} from "./client.ts";
import { NODE_API } from "./node_api.ts";

/** One of containerd's plugins. */
export interface ContainerdPlugin {
  /** For example `io.containerd.content.v1`. */
  readonly type: string;
  /** For example `content`. */
  readonly id: string;
  /** What it tells of itself, such as its `root`. */
  readonly exports: Readonly<Record<string, string>>;
  /** Why it does not run; null when it runs. */
  readonly failure: string | null;
}

/** Tells how a containerd is set up. Each call rejects while it is away. */
export interface ContainerdInspector extends Disposable {
  /** Its version, `1.7.24`. */
  version(signal: AbortSignal): Promise<string>;
  /** The names of its namespaces. */
  namespaces(signal: AbortSignal): Promise<readonly string[]>;
  /** All its plugins, those that failed included. */
  plugins(signal: AbortSignal): Promise<readonly ContainerdPlugin[]>;
  /**
   * The configuration that its CRI plugin runs with, as its status tells it:
   * all of it in containerd 1.x, only what is not about images in 2.x. Null
   * without CRI.
   */
  criConfig(signal: AbortSignal): Promise<unknown>;
}

/** Milliseconds for one answer: no pull waits for it, and a node may be busy. */
const ASK_MS = 3_000;

/** gRPC: nobody serves this method. */
const UNIMPLEMENTED = 12;

/**
 * Connects to a containerd to ask how it is set up.
 *
 * @param options Socket and namespace
 * @param calls How it is asked, for tests
 * @returns The inspector; disposing it closes the connection
 */
export function containerdInspector(
  options: ContainerdClientOptions,
  calls: ContainerdCalls = containerdCalls(options, NODE_API),
): ContainerdInspector {
  const services = "containerd.services";
  return {
    async version(signal) {
      const path = `${services}.version.v1.Version/Version`;
      const answer = await calls.unary<{ version: string }>(path, {}, {
        signal,
        deadlineMs: ASK_MS,
      });
      // Debian writes 1.6.20~ds1, a release v2.3.4.
      return (answer?.version ?? "").replace(/^v/, "");
    },
    async namespaces(signal) {
      const path = `${services}.namespaces.v1.Namespaces/List`;
      const answer = await calls.unary<{ namespaces: { name: string }[] }>(
        path,
        {},
        { signal, deadlineMs: ASK_MS },
      );
      return (answer?.namespaces ?? []).map(({ name }) => name);
    },
    async plugins(signal) {
      const path = `${services}.introspection.v1.Introspection/Plugins`;
      const answer = await calls.unary<{ plugins: WirePlugin[] }>(path, {}, {
        signal,
        deadlineMs: ASK_MS,
      });
      return (answer?.plugins ?? []).map(({ type, id, exports, ...rest }) => ({
        type,
        id,
        exports,
        failure: rest.init_err?.message ?? null,
      }));
    },
    async criConfig(signal) {
      try {
        const answer = await calls.unary<{ info: Record<string, string> }>(
          "runtime.v1.RuntimeService/Status",
          { verbose: true },
          { signal, deadlineMs: ASK_MS },
        );
        return JSON.parse(answer?.info.config ?? "null");
      } catch (error) {
        if ((error as { code?: unknown }).code === UNIMPLEMENTED) return null;
        throw error;
      }
    },
    [Symbol.dispose]: () => calls[Symbol.dispose](),
  };
}

interface WirePlugin {
  type: string;
  id: string;
  exports: Record<string, string>;
  ["init_err"]: { message: string } | null;
}
