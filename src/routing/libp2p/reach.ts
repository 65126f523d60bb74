/**
 * Getting to know whoever is at some addresses.
 *
 * @module
 */

import { deadline } from "../../async/deadline.ts";
import type { Log } from "../../log.ts";
import { splitId } from "../bootstrap/multiaddr.ts";
import { toMultiaddr } from "./addresses.ts";
import { SelfDialError } from "./host.ts";
import type { Links } from "./links.ts";
import type { Members } from "./members.ts";
import type { Announcer } from "./own_address.ts";

/** What reaching needs of other parts. */
export interface ReachDeps {
  readonly links: Links;
  /** Hears where this node answered itself. */
  readonly where: Announcer;
  /** Tells where those are that this node is connected to. */
  readonly members: Members;
  readonly log: Log;
}

/** Reaches nodes. */
export interface Reach {
  /** Connects to whoever is there; null when it is this node itself. */
  meet(multiaddr: string, signal: AbortSignal): Promise<string | null>;
  /**
   * Tries them, until enough have answered to hear of all others from; whoever
   * answered is linked after it.
   */
  all(multiaddrs: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Addresses that are tried at once: each dial takes some 20 ms of processor. */
const MAX_AT_ONCE = 16;

/** Links that are enough: each tells of all members that it knows. */
const ENOUGH_LINKS = 20;

/** Milliseconds for one address: where nobody is, nobody answers. */
const MEET_MS = 2_000;

/** Makes reaching. */
export function reaching(deps: ReachDeps): Reach {
  const { links, where, members, log } = deps;

  async function meet(
    multiaddr: string,
    signal: AbortSignal,
  ): Promise<string | null> {
    try {
      return (await links.meet(multiaddr, signal)).id;
    } catch (error) {
      if (!(error instanceof SelfDialError)) throw error;
      where.dialled(multiaddr);
      return null;
    }
  }

  /** Tells whether this node is connected to whoever is there. */
  function isMet(multiaddr: string): boolean {
    const [where, id] = splitId(multiaddr);
    return links.get(id) !== undefined || links.all().some((link) => {
      const routers = members.get(link.id)?.record.routers ?? [];
      return routers.some((address) => toMultiaddr(address) === where);
    });
  }

  return {
    meet,
    async all(multiaddrs, signal) {
      const rest = multiaddrs.filter((one) => !isMet(one)).values();
      await Promise.all(Array.from({ length: MAX_AT_ONCE }, async () => {
        for (const multiaddr of rest) {
          if (links.size >= ENOUGH_LINKS) return;
          using limit = deadline(signal, MEET_MS);
          try {
            await meet(multiaddr, limit.signal);
          } catch (error) {
            if (signal.aborted) return;
            log.debug("nobody to join", { address: multiaddr, error });
          }
        }
      }));
    },
  };
}
