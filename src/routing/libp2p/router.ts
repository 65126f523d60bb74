/**
 * The router over libp2p: nodes find each other, and what they have, with no list
 * of peers.
 *
 * @module
 */

import { inBackground } from "../../async/background.ts";
import type { Log } from "../../log.ts";
import type { Bootstrap } from "../bootstrap/bootstrap.ts";
import type { AddrInfo } from "../bootstrap/http.ts";
import { type Joining, joining } from "../bootstrap/joining.ts";
import type { Peer, Readiness, Router } from "../router.ts";
import { type HostPort, toMultiaddr } from "./addresses.ts";
import { kadAnswers } from "./answers.ts";
import { holders, toPeer } from "./holders.ts";
import { type Host, idBytes, startHost } from "./host.ts";
import type { Identity } from "./identity.ts";
import { serveKad } from "./kad_server.ts";
import { lookups } from "./lookup.ts";
import type { MemberRecord } from "./member.ts";
import { type Membership, membership } from "./membership.ts";
import { kadKey, positionOf } from "./position.ts";
import { type Provide, provide } from "./provide.ts";
import { type Reach, reaching } from "./reach.ts";
import { type Records, records } from "./records.ts";

export { keptIdentity } from "./identity.ts";

/** What the router is told. */
export interface Libp2pOptions {
  /** This node's identity. */
  readonly identity: Identity;
  /** Where it listens; `::` is every address of both families. */
  readonly listen: HostPort;
  /** Begins the names of its protocols: nodes with another one never meet. */
  readonly prefix: string;
  /** Key of the private network, 32 bytes; null: whoever comes may speak. */
  readonly swarmKey: Uint8Array | null;
  /** Where members may be. */
  readonly bootstrap: Bootstrap;
  /** IP under which others reach this node; null: as they see it. */
  readonly ip: string | null;
  /** Where this node is; empty for nowhere in particular. */
  readonly zone: string;
  /** Hears who comes and goes. */
  readonly log: Log;
  /**
   * Connections at most.
   *
   * @default {128}
   */
  readonly maxConnections?: number;
  /**
   * Peers that keep the record of a key: Kademlia's k.
   *
   * @default {20}
   */
  readonly replicas?: number;
}

/** A router that listens. */
export interface Libp2pRouter extends Router, AsyncDisposable {
  /** This node's id. */
  readonly id: string;
  /** The router's port, as it really is. */
  readonly port: number;
  /**
   * Tells where the peer listener is. Before that, nobody knows this node.
   *
   * @param peer Its host, `::` for every address, and its port as it really is
   */
  announce(peer: HostPort): void;
  /** Whoever asked this node found it at a host: its own, while it knows none. */
  seenAt(host: string): void;
  /** This node as others find it, with its multiaddresses as far as it knows. */
  info(): AddrInfo;
  /** How much it keeps. */
  counts(): RouterCounts;
}

/** How much a router keeps. */
export interface RouterCounts {
  /** Members that it is connected to. */
  readonly links: number;
  /** Members that it knows to live, itself included. */
  readonly members: number;
  /** Records of who has what. */
  readonly records: number;
}

/** Connections at most: those that are wanted, and as many that are needed. */
const MAX_CONNECTIONS = 128;

/** Peers that keep a record: up to so many nodes, each has all of them. */
const REPLICAS = 20;

/** Milliseconds after which a node whose bootstrap is silent takes those that it
 * knows for all. */
const UNTOLD_MS = 10_000;

/** Milliseconds between two cleanings of the records. */
const SWEEP_MS = 60_000;

const seconds = () => Math.floor(performance.now() / 1_000);

/** The parts of a router. */
interface Parts {
  readonly host: Host;
  readonly belongs: Membership;
  readonly store: Records;
  readonly own: Provide;
  readonly reach: Reach;
  readonly join: Joining;
  /** True once this node knows all members, or that it is alone. */
  readonly filled: () => boolean;
  readonly info: () => AddrInfo;
}

/**
 * Starts the router.
 *
 * @param options What it is told
 * @returns The router, which joins by itself; disposing it says farewell
 * @throws {Error} If its address cannot be had
 */
export async function startLibp2p(
  options: Libp2pOptions,
): Promise<Libp2pRouter> {
  await using stack = new AsyncDisposableStack();
  const parts = await makeParts(options, stack);
  const { host, belongs, store, own, reach, join } = parts;
  const { members, links, keeper } = belongs;
  const { replicas = REPLICAS } = options;

  const search = lookups({ members, links, replicas, meet: reach.meet });
  const { find, forget, told } = holders({
    membership: belongs,
    records: store,
    lookups: search,
    seconds,
  });
  const answers = kadAnswers({
    members,
    records: store,
    seconds,
    replicas,
    onAdd: told,
  });
  await host.handle(kadProtocol(options), (stream, { remotePeer }) => {
    const sender = remotePeer.toString();
    if (links.get(sender)) serveKad(stream, sender, answers);
    else stream.abort(new Error("no member of this network"));
  });
  stack.use(inBackground((signal) => join.run(signal)));
  stack.use(inBackground((signal) => keeper.run(signal)));
  stack.use(inBackground((signal) => own.run(signal)));
  const sweeping = setInterval(() => store.sweep(seconds()), SWEEP_MS);
  stack.defer(() => clearInterval(sweeping));

  const running = stack.move();
  return {
    id: host.id,
    port: host.port,
    info: parts.info,
    counts: () => ({
      links: links.size,
      members: members.size,
      records: store.size,
    }),
    ready: () => readiness(parts),
    lookup: (key, { signal }) => find(key, signal),
    self: () => self(belongs),
    nearest: (key, count) => nearest(parts, key, count),
    advertise: (keys) => own.add(keys),
    withdraw: (keys) => own.remove(keys),
    forget,
    announce: (peer) => belongs.where.announce(peer),
    seenAt(host) {
      if (!self(belongs)) belongs.where.seen(host, "");
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function makeParts(
  options: Libp2pOptions,
  stack: AsyncDisposableStack,
): Promise<Parts> {
  const { identity, listen, swarmKey, prefix, bootstrap, ip, zone, log } =
    options;
  const { maxConnections = MAX_CONNECTIONS } = options;
  const host = stack.use(
    await startHost({ identity, listen, maxConnections, swarmKey }),
  );
  let toldAll = false;
  const began = performance.now();
  const filled = (): boolean => {
    const { kind } = join.outcome();
    if (toldAll || kind === "alone") return true;
    if (belongs.links.size === 0) return join.ready().ready;
    // All that bootstrap named were tried, or it does not answer for long.
    return (kind !== "asking" && kind !== "failed") ||
      performance.now() - began > UNTOLD_MS;
  };
  const belongs: Membership = stack.use(
    await membership({
      host,
      listen: { ...listen, port: host.port },
      ip,
      zone,
      protocols: {
        members: `${prefix}/members/1.0.0`,
        kad: kadProtocol(options),
      },
      filled,
      onTold: () => void (toldAll = true),
      onMember: (id) => own.greet(id),
      log,
    }),
  );
  const { members, links, where } = belongs;
  const store = records();
  const id = idBytes(host.id);
  const { replicas = REPLICAS } = options;
  const own = provide({
    members,
    links,
    records: store,
    idBytes: id,
    replicas,
    log,
  });
  const reach = reaching({ links, where, members, log });
  const info = () => ({
    id: host.id,
    addresses: members.self().record.routers.map((one) => toMultiaddr(one)),
  });
  const join: Joining = joining({
    bootstrap,
    reach: reach.all,
    known: () => links.size,
    self: info,
    log,
  });
  return { host, belongs, store, own, reach, join, filled, info };
}

function kadProtocol({ prefix }: Libp2pOptions): string {
  return `${prefix}/kad/1.0.0`;
}

function self({ members }: Membership): Peer | null {
  const { record } = members.self();
  return record.address === "" ? null : toPeer(record);
}

function nearest(
  { belongs: { members }, filled }: Parts,
  key: string,
  count: number,
): Peer[] {
  const target = positionOf(kadKey(key));
  const { id } = members.self().record;
  return members.closest(target, count + 1).map(({ record }) => record)
    .filter((record) => record.id !== id || mayBeHome(record, filled()))
    .slice(0, count)
    .map(toPeer);
}

/** Who does not know all members would elect itself where others know better. */
function mayBeHome({ address }: MemberRecord, filled: boolean): boolean {
  return filled && address !== "";
}

/** With members there must be a table: until then nobody knows who is nearest. */
function readiness({ join, filled }: Parts): Readiness {
  const joined = join.ready();
  if (!joined.ready || filled()) return joined;
  return { ready: false, reason: "not all nodes are known yet" };
}
