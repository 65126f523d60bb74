/**
 * The router over libp2p: nodes find each other, and what they have, with no list
 * of peers.
 *
 * @module
 */

import type { PrivateKey } from "@libp2p/interface";
import { inBackground } from "../../async/background.ts";
import { boundedMap } from "../../async/bounded_map.ts";
import type { Log } from "../../log.ts";
import type { Peer, Router } from "../router.ts";
import type { HostPort } from "./addresses.ts";
import { kadAnswers } from "./answers.ts";
import { gossip } from "./gossip.ts";
import { idBytes, SelfDialError, startHost } from "./host.ts";
import { type Bootstrap, joining } from "./joining.ts";
import { serveKad } from "./kad_server.ts";
import { keeper } from "./keeper.ts";
import { type Links, makeLinks } from "./links.ts";
import { lookups } from "./lookup.ts";
import type { MemberRecord } from "./member.ts";
import { type Member, type Members, members } from "./members.ts";
import { announcer } from "./own_address.ts";
import { kadKey, positionOf } from "./position.ts";
import { provide } from "./provide.ts";
import { ranked } from "./ranking.ts";
import { records } from "./records.ts";

/** What the router is told. */
export interface Libp2pOptions {
  /** This node's identity, Ed25519. */
  readonly privateKey: PrivateKey;
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
}

/** Connections at most; each takes some 100 KB of memory. */
const MAX_CONNECTIONS = 128;

/**
 * Milliseconds for which a holder that has lost a key counts as without it here.
 * It withdraws, too, but that may be late.
 */
const FORGOTTEN_MS = 60_000;
const MAX_FORGOTTEN = 10_000;

/** Milliseconds between two cleanings of the records. */
const SWEEP_MS = 60_000;

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
  const { privateKey, listen, swarmKey, prefix, bootstrap, log } = options;
  const { maxConnections = MAX_CONNECTIONS } = options;
  await using parts = new AsyncDisposableStack();
  const host = parts.use(
    await startHost({ privateKey, listen, maxConnections, swarmKey }),
  );
  const now = () => performance.now();
  const seconds = () => Math.floor(now() / 1_000);
  const store = records();
  const news = parts.use(gossip(() => links.all()));
  const known = members({
    self: firstWord(host.id, options.zone),
    positionOf: (id) => positionOf(idBytes(id)),
    onNews: (record) => news.add(record),
    onChange(member, change) {
      tellChange(log, member, change);
      if (change === "down") return;
      own.greet(member.record.id);
      keep.wake();
    },
  });
  const where = announcer(known, {
    router: { ...listen, port: host.port },
    ip: options.ip,
  });
  const links = parts.use(
    await makeLinks({
      host,
      protocols: {
        members: `${prefix}/members/1.0.0`,
        kad: `${prefix}/kad/1.0.0`,
      },
      filled: () => join.filled(),
      all: () => known.all(),
      hash: () => known.hash(),
      onHello(id, { seen, filled }) {
        where.seen(seen, id);
        if (filled) join.told();
      },
      onNews: (id, told) => hear(known, links, id, told, now()),
      onLinked: () => keep.wake(),
      onLost: (id) => keep.lost(id),
    }),
  );
  const keep = keeper({ members: known, links, log, now });
  const own = provide({
    members: known,
    links,
    records: store,
    idBytes: idBytes(host.id),
    log,
  });
  const answers = kadAnswers({ members: known, records: store, seconds });
  await host.handle(`${prefix}/kad/1.0.0`, (stream, { remotePeer }) => {
    const sender = remotePeer.toString();
    if (links.get(sender)) serveKad(stream, sender, answers);
    else stream.abort(new Error("no member of this network"));
  });

  /** Connects to an address; null when this node itself is there. */
  async function meet(address: string, signal: AbortSignal) {
    try {
      return (await links.meet(address, signal)).id;
    } catch (error) {
      if (!(error instanceof SelfDialError)) throw error;
      where.dialled(address);
      return null;
    }
  }

  const join = joining({
    bootstrap,
    meet,
    isMet: (address) => isMet(address, known, links),
    links: () => links.size,
    log,
  });
  const search = lookups({ members: known, links, meet });

  parts.use(inBackground((signal) => join.run(signal)));
  parts.use(inBackground((signal) => keep.run(signal)));
  parts.use(inBackground((signal) => own.run(signal)));
  const sweeping = setInterval(() => store.sweep(seconds()), SWEEP_MS);
  parts.defer(() => clearInterval(sweeping));
  parts.defer(() => farewell(known, links));

  const forgotten = boundedMap<string, number>(MAX_FORGOTTEN);
  const holderOf = (id: string): Holder | null => {
    const record = keep.suspects(id) ? undefined : known.get(id)?.record;
    const rttMs = links.get(id)?.talk.rttMs ?? null;
    return record ? { record, zone: record.zone, rttMs } : null;
  };

  async function* find(key: string, signal: AbortSignal): AsyncIterable<Peer> {
    const bytes = kadKey(key);
    const told = new Set([host.id]);
    const fresh = (ids: readonly string[]) =>
      ranked(
        ids.filter((id) => !told.has(id))
          .filter((id) => (forgotten.get(`${key} ${id}`) ?? 0) < now())
          .flatMap((id) => holderOf(id) ?? []),
        options.zone,
      );
    for (const { record } of fresh(store.get(bytes, seconds()))) {
      if (signal.aborted) return;
      told.add(record.id);
      yield toPeer(record);
    }
    for await (const id of search.find(bytes, signal)) {
      for (const { record } of fresh([id])) {
        told.add(id);
        yield toPeer(record);
      }
    }
  }

  const running = parts.move();
  return {
    id: host.id,
    port: host.port,
    ready: () => join.ready(),
    lookup: (key, { signal }) => find(key, signal),
    self() {
      const { record } = known.self();
      return record.address === "" ? null : toPeer(record);
    },
    nearest(key, count) {
      const target = positionOf(kadKey(key));
      return known.closest(target, count + 1)
        .filter(({ record }) => mayBeHome(record, host.id, join.filled()))
        .slice(0, count)
        .map(({ record }) => toPeer(record));
    },
    advertise: (keys) => own.add(keys),
    withdraw: (keys) => own.remove(keys),
    forget(key, peer) {
      store.remove(kadKey(key), peer.id);
      forgotten.set(`${key} ${peer.id}`, now() + FORGOTTEN_MS);
    },
    announce: (peer) => where.announce(peer),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A member that has a key. */
interface Holder {
  readonly record: MemberRecord;
  readonly zone: string;
  readonly rttMs: number | null;
}

/** A node begins with the time, so that it is newer than what it said before. */
function firstWord(id: string, zone: string): MemberRecord {
  return { id, seq: Date.now(), routers: [], address: "", zone };
}

function toPeer({ id, address, zone }: MemberRecord): Peer {
  return { id, address, zone };
}

/** Who does not know all members would elect itself where others know better. */
function mayBeHome(
  { id, address }: MemberRecord,
  self: string,
  filled: boolean,
): boolean {
  return id !== self || (filled && address !== "");
}

function tellChange(log: Log, { record }: Member, change: string): void {
  const { address: peer, id, zone } = record;
  if (change === "up") log.info("peer is there", { peer, id, zone });
  if (change === "down") log.warn("peer is away", { peer, id });
}

/** Takes news, but for the death of somebody that this node speaks with. */
function hear(
  known: Members,
  links: Links,
  from: string,
  told: readonly MemberRecord[],
  now: number,
): void {
  const believed = told.filter((record) => {
    const link = record.down ? links.get(record.id) : undefined;
    if (!link || record.id === from) return true;
    link.talk.tell([record]); // It will say itself that it lives.
    return false;
  });
  known.merge(believed, now);
}

function isMet(address: string, known: Members, links: Links): boolean {
  const has = ({ routers }: MemberRecord) => routers.includes(address);
  if (has(known.self().record)) return true;
  return [...links.all()].some(({ id }) => {
    const record = known.get(id)?.record;
    return record !== undefined && has(record);
  });
}

/** What others are told when this node stops of its own will. */
async function farewell(known: Members, links: Links): Promise<void> {
  const { record } = known.self();
  const all = [...links.all()];
  for (const link of all) {
    if (record.address !== "") link.talk.tell([{ ...record, down: true }]);
    link.close();
  }
  // Else the connections are cut before the words are out.
  if (all.length > 0) await new Promise((resolve) => setTimeout(resolve, 0));
}
