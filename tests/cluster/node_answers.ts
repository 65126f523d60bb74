/**
 * A node of a cluster in a process of its own, asked as the suite of all routers
 * asks one that is here.
 *
 * @module
 */

import type { Peer, Readiness, Router } from "../../src/routing/router.ts";
import type { ClusterNode, TestedRouter } from "../suites/router_suite.ts";
import type { Child } from "./child.ts";
import type { Answer } from "./talk.ts";

/** What the node can be asked. */
export interface NodeQuestions {
  ready: [[], Readiness];
  self: [[], Peer | null];
  nearest: [[key: string, count: number], Peer[]];
  forget: [[key: string, peer: Peer], void];
  hold: [[image: string], string[]];
  drop: [[image: string], void];
  /** Begins a lookup, whose signal may have aborted; gives its number. */
  begin: [[key: string, aborted: boolean], number];
  /** The next holder; null: there are no more. */
  next: [[lookup: number], Peer | null];
  /** Aborts its signal. */
  abort: [[lookup: number], void];
  /** Asks for no more of it. */
  leave: [[lookup: number], void];
}

/** How a node comes to have images. */
export type Images = Pick<ClusterNode, "hold" | "drop">;

/** Makes the answers of a node. */
export function nodeAnswers(router: Router, images: Images): Answer {
  const lookups: { ended: AbortController; peers: AsyncIterator<Peer> }[] = [];

  function begin(key: string, aborted: boolean): number {
    const ended = new AbortController();
    if (aborted) ended.abort();
    const found = router.lookup(key, { signal: ended.signal });
    return lookups.push({ ended, peers: found[Symbol.asyncIterator]() }) - 1;
  }

  return async (name, args) => {
    const [first, second] = args as [never, never];
    switch (name as keyof NodeQuestions) {
      case "ready":
        return router.ready();
      case "self":
        return router.self();
      case "nearest":
        return router.nearest(first, second);
      case "forget":
        return router.forget(first, second);
      case "hold":
        return await images.hold(first);
      case "drop":
        return await images.drop(first);
      case "begin":
        return begin(first, second);
      case "next":
        return (await lookups[first]?.peers.next())?.value;
      case "abort":
        return lookups[first]?.ended.abort();
      case "leave":
        await lookups[first]?.peers.return?.();
    }
  };
}

/** A node in another process, as the suite knows it. */
export async function remoteNode(
  child: Pick<Child<NodeQuestions>, "ask" | "kill">,
): Promise<ClusterNode> {
  const self = await child.ask("self");
  if (!self) throw new Error("Cannot test a node that does not know itself");
  const router: TestedRouter = {
    ready: () => child.ask("ready"),
    self: () => child.ask("self"),
    nearest: (key, count) => child.ask("nearest", key, count),
    forget: (key, peer) => child.ask("forget", key, peer),
    lookup: (key, { signal }) => lookup(child, key, signal),
  };
  return {
    self,
    router,
    hold: (image) => child.ask("hold", image),
    drop: (image) => child.ask("drop", image),
    die: () => child.kill(),
  };
}

async function* lookup(
  { ask }: Pick<Child<NodeQuestions>, "ask">,
  key: string,
  signal: AbortSignal,
): AsyncIterable<Peer> {
  const id = await ask("begin", key, signal.aborted);
  const abort = () => void ask("abort", id);
  signal.addEventListener("abort", abort, { once: true });
  try {
    while (true) {
      const peer = await ask("next", id);
      if (!peer) return;
      yield peer;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    await ask("leave", id);
  }
}
