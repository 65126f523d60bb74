/**
 * The members that this node is connected to: one connection each, whoever
 * opened it.
 *
 * @module
 */

import type { Connection, Stream } from "@libp2p/interface";
import { deadline } from "../../async/deadline.ts";
import { unlessAborted } from "../../async/unless_aborted.ts";
import { fromMultiaddr, splitAddress, toMultiaddr } from "./addresses.ts";
import {
  type Conversation,
  conversation,
  type ConversationDeps,
} from "./conversation.ts";
import type { Host } from "./host.ts";
import { type KadClient, kadClient } from "./kad_client.ts";
import type { MemberRecord } from "./member.ts";
import type { Member } from "./members.ts";

/** A member that this node is connected to. */
export interface Link {
  /** Its id. */
  readonly id: string;
  /** Asks its part of the DHT. */
  readonly kad: KadClient;
  /** Speaks with it. */
  readonly talk: Conversation;
  /** When it was last needed, in ms. */
  usedAt: number;
  /** Ends the connection, and says that nobody has died. */
  close(): void;
}

/** Connections to members. */
export interface Links extends AsyncDisposable {
  /** The link to a member, if there is one. */
  get(id: string): Link | undefined;
  /** The link to a member, made if there is none. */
  link(member: Member, signal: AbortSignal): Promise<Link>;
  /** Connects to a multiaddress. */
  meet(multiaddr: string, signal: AbortSignal): Promise<Link>;
  /** All links. */
  all(): IteratorObject<Link>;
  /** How many there are. */
  readonly size: number;
}

/** What links need of other parts. */
export interface LinksDeps
  extends Omit<ConversationDeps, "onHello" | "onNews" | "onEnd"> {
  /** Opens and takes connections. */
  readonly host: Host;
  /** Protocols of the network. */
  readonly protocols: { readonly members: string; readonly kad: string };
  /** Hears at which host a member sees this node. */
  readonly onHello: (id: string, seen: string) => void;
  /** Takes a member's news. */
  readonly onNews: (id: string, news: readonly MemberRecord[]) => void;
  /** Hears of each new link. */
  readonly onLinked: (link: Link) => void;
  /** Hears that a connection broke. */
  readonly onLost: (id: string) => void;
}

/** Milliseconds for the two to say who they are, once they are connected. */
const HELLO_MS = 5_000;

/**
 * Milliseconds for which the second of two connections stays: two nodes that dial
 * each other at once may use either until both know which one is kept.
 */
const DOUBLE_MS = 2_000;

/** One connection and what is spoken on it. */
interface Meeting {
  readonly connection: Connection;
  readonly link: Link;
}

/**
 * Makes the links.
 *
 * @param deps Host, protocols, and who hears what
 * @returns No link yet
 */
export async function makeLinks(deps: LinksDeps): Promise<Links> {
  const links = new Map<string, Meeting>();
  const meetings = new Map<string, Promise<Link>>(); // By connection.
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const { host, protocols } = deps;

  function after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  }

  /** Begins to speak; the link is there when the other side has said hello. */
  function speak(stream: Stream, connection: Connection): Promise<Link> {
    const id = connection.remotePeer.toString();
    const { promise, resolve, reject } = Promise.withResolvers<Link>();
    const begun = stream.direction === "outbound";
    const seen = hostOf(connection);
    const greet = () => talk.greet(seen);
    const talk = conversation(stream, {
      ...deps,
      onHello(seen) {
        if (!begun) greet();
        keep({ connection, link });
        deps.onHello(id, seen);
        resolve(link);
      },
      onNews: (news) => deps.onNews(id, news),
      onEnd(left) {
        reject(new Error(`Cannot speak with ${id}: it has hung up`));
        meetings.delete(connection.id);
        cut(connection, new Error("the conversation has ended"));
        if (links.get(id)?.link !== link) return;
        links.delete(id);
        if (!left) deps.onLost(id);
      },
    });
    const link: Link = {
      id,
      talk,
      usedAt: performance.now(),
      kad: kadClient(() => openStream(connection, protocols.kad)),
      close() {
        talk.bye();
        // The farewell is sent first; what hangs is cut off.
        connection.close().catch((error) => cut(connection, error));
      },
    };
    promise.catch(() => {/* whoever waits hears it, too */});
    if (begun) greet();
    else meetings.set(connection.id, promise);
    return promise;
  }

  /** Keeps one connection of two: both sides choose the same. */
  function keep(meeting: Meeting): void {
    const { id } = meeting.link;
    const before = links.get(id);
    // Both began to speak on one connection: either will do.
    if (before?.connection === meeting.connection) return;
    if (before && before.connection.status === "open") {
      const loser = isKept(host.id, before.connection, meeting.connection)
        ? meeting
        : before;
      after(DOUBLE_MS, () => loser.link.close());
      if (loser === meeting) return;
    }
    links.set(id, meeting);
    if (!before) deps.onLinked(meeting.link);
  }

  /** Says hello on a new connection; whoever waits for that may go. */
  async function introduce(connection: Connection): Promise<Link> {
    using limit = deadline(new AbortController().signal, HELLO_MS);
    try {
      const stream = await connection.newStream(protocols.members, limit);
      return await unlessAborted(speak(stream, connection), limit.signal);
    } catch (error) {
      meetings.delete(connection.id);
      cut(connection, error);
      throw error;
    }
  }

  async function meet(multiaddr: string, signal: AbortSignal): Promise<Link> {
    const connection = await host.dial(multiaddr, signal);
    const known = links.get(connection.remotePeer.toString())?.link;
    if (known) return known;
    // Several may dial one peer at once, and js-libp2p gives them one connection.
    const meeting = meetings.get(connection.id) ?? introduce(connection);
    meetings.set(connection.id, meeting);
    return await unlessAborted(meeting, signal);
  }

  host.onInbound((connection) => {
    // Whoever does not say who it is has another network's protocols, or none.
    after(HELLO_MS, () => {
      if (links.has(connection.remotePeer.toString())) return;
      cut(connection, new Error("the other end has said nothing"));
    });
  });
  await host.handle(protocols.members, (stream, connection) => {
    speak(stream, connection);
  });

  return {
    get: (id) => links.get(id)?.link,
    async link({ record: { id, routers } }, signal) {
      const known = links.get(id)?.link;
      if (known) return known;
      let failure: unknown = new Error(`Cannot reach ${id}: it has no address`);
      for (const address of routers) {
        try {
          return await meet(toMultiaddr(address, id), signal);
        } catch (error) {
          failure = error;
        }
      }
      throw failure;
    },
    meet,
    all: () => links.values().map(({ link }) => link),
    get size() {
      return links.size;
    },
    [Symbol.asyncDispose]() {
      timers.forEach((timer) => clearTimeout(timer));
      return Promise.resolve();
    },
  };
}

/** Where the other end of a connection is seen. */
function hostOf({ remoteAddr }: Connection): string {
  const address = fromMultiaddr(remoteAddr);
  return address ? splitAddress(address).host : "";
}

/** Ends a connection at once; js-libp2p throws when it has ended already. */
function cut(connection: Connection, reason: unknown): void {
  try {
    connection.abort(
      reason instanceof Error ? reason : new Error(String(reason)),
    );
  } catch {
    // What is closed needs no reset.
  }
}

function openStream(connection: Connection, protocol: string): Promise<Stream> {
  return connection.newStream(protocol);
}

/** Of two connections: that of the smaller id's, else the newer one. */
function isKept(self: string, before: Connection, now: Connection): boolean {
  if (before.direction === now.direction) return false;
  const selfIsSmaller = self < now.remotePeer.toString();
  return (before.direction === "outbound") === selfIsSmaller;
}
