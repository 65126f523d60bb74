/**
 * Finding out under which address other nodes reach this one: as they see it.
 * That needs no permission to look at interfaces, of which a node has many.
 *
 * @module
 */

import { boundedMap } from "../../async/bounded_map.ts";
import { type HostPort, joinAddress } from "./addresses.ts";
import type { Members } from "./members.ts";

/** Where this node listens. */
export interface OwnAddressOptions {
  /** Where its router listens, with the port as it really is. */
  readonly router: HostPort;
  /** Where its peer listener listens, with the port as it really is. */
  readonly peer: HostPort;
  /** The IP that its operator names; null: what others see. */
  readonly ip: string | null;
}

/** This node's addresses. */
export interface OwnAddresses {
  /** `host:port` of its router, one of each family that is known. */
  readonly routers: readonly string[];
  /** `host:port` of its peer listener; empty while nobody has told. */
  readonly address: string;
}

/** What others tell of this node's address. */
export interface OwnAddress {
  /** A peer sees this node at a host. */
  seen(host: string, by: string): void;
  /** What is known now. */
  current(): OwnAddresses;
}

/** Peers whose word counts; the latest do. */
const MAX_WITNESSES = 32;

const IPV4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;
const IPV6 = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/;
const EVERYWHERE = new Set(["::", "0.0.0.0", ""]);

/**
 * Makes this node's address, which is known at once if an operator names it.
 *
 * @param options Where it listens
 * @returns What is known, and who may tell more
 */
export function ownAddress(options: OwnAddressOptions): OwnAddress {
  const { router, peer, ip } = options;
  const words = {
    v4: { witnesses: boundedMap<string, string>(MAX_WITNESSES), best: "" },
    v6: { witnesses: boundedMap<string, string>(MAX_WITNESSES), best: "" },
  };
  let first: "v4" | "v6" | null = null; // The family that peers know it by.

  const at = (listen: HostPort, host: string) =>
    joinAddress({
      host: EVERYWHERE.has(listen.host) ? host : listen.host,
      port: listen.port,
    });

  /** The host that is told, and why not another: null while none is known. */
  function host(): string | null {
    if (ip !== null) return ip;
    if (first) return words[first].best;
    const fixed = [peer.host, router.host].find((own) => !EVERYWHERE.has(own));
    return fixed ?? null;
  }

  return {
    seen(host, by) {
      const family = IPV4.test(host) ? "v4" : IPV6.test(host) ? "v6" : null;
      if (!family || EVERYWHERE.has(host)) return;
      const word = words[family];
      word.witnesses.set(by, host);
      word.best = elected(word.witnesses.values(), word.best);
      // A loopback address is only for nodes of one machine.
      if (!first || isLoopback(words[first].best)) first = family;
    },
    current() {
      const own = host();
      if (own === null) return { routers: [], address: "" };
      const all = ip !== null || !EVERYWHERE.has(router.host)
        ? [own]
        : [own, words.v4.best, words.v6.best].filter((one) => one !== "");
      return {
        routers: [...new Set(all.map((one) => at(router, one)))],
        address: at(peer, own),
      };
    },
  };
}

/** Tells the members where this node is, as soon as it knows. */
export interface Announcer {
  /** The peer listener is there. */
  announce(peer: HostPort): void;
  /** A peer sees this node at a host. */
  seen(host: string, by: string): void;
  /** This node answered itself at a multiaddress. */
  dialled(multiaddr: string): void;
}

/**
 * Makes the announcer.
 *
 * @param members Who is told
 * @param options Where this node's router listens, and its IP
 * @returns The announcer, which says nothing before the peer listener is there
 */
export function announcer(
  members: Pick<Members, "self" | "change">,
  options: Omit<OwnAddressOptions, "peer">,
): Announcer {
  const early: [host: string, by: string][] = [];
  let own: OwnAddress | null = null;

  function update(): void {
    if (!own) return;
    const { address, routers } = own.current();
    const { record } = members.self();
    const same = record.address === address &&
      record.routers.join() === routers.join();
    if (!same) members.change({ address, routers });
  }

  function seen(host: string, by: string): void {
    if (own) own.seen(host, by);
    else if (early.length < MAX_WITNESSES) early.push([host, by]);
    update();
  }

  return {
    seen,
    dialled: (multiaddr) => seen(multiaddr.split("/")[2] ?? "", ""),
    announce(peer) {
      own = ownAddress({ ...options, peer });
      for (const [host, by] of early.splice(0)) own.seen(host, by);
      update();
    },
  };
}

/** What most say; the one that is in use, among equals. */
function elected(words: Iterable<string>, inUse: string): string {
  const votes = new Map<string, number>();
  for (const word of words) votes.set(word, (votes.get(word) ?? 0) + 1);
  let best = inUse;
  const weight = (host: string) =>
    (votes.get(host) ?? 0) + (isLoopback(host) ? 0 : 1_000);
  for (const host of votes.keys()) {
    if (best === "" || weight(host) > weight(best)) best = host;
  }
  return best;
}

function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1";
}
