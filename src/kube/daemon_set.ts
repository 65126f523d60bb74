/**
 * Waiting until a DaemonSet has done its work on every node: what the chart's
 * uninstallation ends with.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { sleep } from "../async/backoff.ts";
import type { Log } from "../log.ts";
import type { KubeApi } from "./api.ts";

/** What is waited for. */
export interface DaemonSetWait {
  /** Name of the DaemonSet, in the namespace of the pod that asks. */
  readonly name: string;
  /** How long, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Time between two questions, in milliseconds.
   *
   * @default {ASK_AGAIN_MS}
   */
  readonly askAgainMs?: number;
}

/** What waiting needs of other parts. */
export interface DaemonSetWaitDeps {
  readonly api: KubeApi;
  /** Hears how many nodes are done whenever that changes. */
  readonly log: Log;
}

/** One small question a second, of one pod, for some seconds. */
export const ASK_AGAIN_MS = 1000;

/** How far a DaemonSet is, in nodes. */
interface Progress {
  readonly nodes: number;
  readonly done: number;
}

/**
 * Waits until there is a ready pod on every node that should have one. Answers
 * that are no answer are waited out: a right may arrive later than the pod that
 * has it.
 *
 * @param wait What for
 * @param deps Where to ask
 * @param signal Ends the wait early
 * @throws {Error} When time is up; it says how many nodes are done
 */
export async function waitForDaemonSet(
  wait: DaemonSetWait,
  { api, log }: DaemonSetWaitDeps,
  signal: AbortSignal,
): Promise<void> {
  const { name, timeoutMs, askAgainMs = ASK_AGAIN_MS } = wait;
  const path = `/apis/apps/v1/namespaces/${api.namespace}/daemonsets/${name}`;
  using limit = deadline(signal, timeoutMs);
  let told = "";
  let state = "it was never asked";
  let cause: unknown;
  while (!limit.signal.aborted) {
    try {
      const progress = progressOf(await api.get(path, limit.signal));
      cause = undefined;
      state = progress === null
        ? "its controller has not seen it"
        : `${progress.done} of ${progress.nodes} nodes are done`;
      if (progress && progress.done >= progress.nodes) {
        log.info("all nodes are done", { daemonSet: name, ...progress });
        return;
      }
      if (progress && state !== told) {
        log.info("waiting for nodes", { daemonSet: name, ...progress });
      }
      told = state;
    } catch (error) {
      // What ends the wait is no answer, and the last answer is what matters.
      if (limit.signal.aborted) break;
      [state, cause] = ["it cannot be read", error];
    }
    await sleep(askAgainMs, limit.signal);
  }
  throw new Error(
    `Cannot wait longer for the DaemonSet ${name}: ${state} after ${
      timeoutMs / 1000
    } s. On the others, hosts.toml still has this deployment's entries; ` +
      "containerd passes over a mirror that does not answer",
    { cause },
  );
}

/** What a DaemonSet's status says; null while it is of an older DaemonSet. */
function progressOf(value: unknown): Progress | null {
  const { metadata, status } = (value ?? {}) as {
    metadata?: { generation?: unknown };
    status?: Record<string, unknown>;
  };
  const generation = Number(metadata?.generation);
  if (!(Number(status?.observedGeneration) >= generation)) return null;
  return {
    nodes: Number(status?.desiredNumberScheduled ?? 0),
    done: Number(status?.numberReady ?? 0),
  };
}
