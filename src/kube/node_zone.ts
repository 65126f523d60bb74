/**
 * The zone of a node, as its cluster knows it.
 *
 * @module
 */

import { sleep } from "../async/backoff.ts";
import { deadline } from "../async/deadline.ts";
import type { KubeApi } from "./api.ts";

/** What is asked for. */
export interface NodeZoneQuestion {
  /** Name of the node. */
  readonly node: string;
  /**
   * How long it may take, in milliseconds.
   *
   * @default {ZONE_MS}
   */
  readonly budgetMs?: number;
  /**
   * Time between two questions, in milliseconds.
   *
   * @default {ASK_AGAIN_MS}
   */
  readonly askAgainMs?: number;
}

/**
 * A mirror without a zone works, but takes from other zones what its own has,
 * for as long as it runs. So what passes by itself is waited out: a new pod's
 * network, a right that arrives after the pod that has it. What does not pass
 * must not keep the node from its mirror.
 */
export const ZONE_MS = 5_000;

/** Each node asks once in its pod's life, and often they start together. */
export const ASK_AGAIN_MS = 500;

const ZONE_LABEL = "topology.kubernetes.io/zone";

/**
 * Asks for a node's zone until there is an answer.
 *
 * @param question Which node
 * @param api Where to ask
 * @param signal Ends it early
 * @returns The zone; empty: the node has none
 * @throws {Error} When time is up; its cause is the last answer
 */
export async function nodeZone(
  question: NodeZoneQuestion,
  api: KubeApi,
  signal: AbortSignal,
): Promise<string> {
  const { node, budgetMs = ZONE_MS, askAgainMs = ASK_AGAIN_MS } = question;
  const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
  using limit = deadline(signal, budgetMs);
  let cause: unknown;
  while (!limit.signal.aborted) {
    try {
      return zoneOf(await api.get(path, limit.signal));
    } catch (error) {
      // What ends the wait is no answer, unless there never was one.
      if (!limit.signal.aborted || cause === undefined) cause = error;
    }
    await sleep(askAgainMs, limit.signal);
  }
  throw new Error(`Cannot read the zone of ${node} within ${budgetMs} ms`, {
    cause,
  });
}

function zoneOf(value: unknown): string {
  const { metadata } = (value ?? {}) as {
    metadata?: { labels?: Record<string, unknown> };
  };
  const zone = metadata?.labels?.[ZONE_LABEL];
  return typeof zone === "string" ? zone : "";
}
