/**
 * Links to members that are not there: each answers as a test says.
 *
 * @module
 */

import type { Conversation } from "../../../src/routing/libp2p/conversation.ts";
import type { KadMessage } from "../../../src/routing/libp2p/kad_message.ts";
import { decodeKad } from "../../../src/routing/libp2p/kad_message.ts";
import type { Link, Links } from "../../../src/routing/libp2p/links.ts";
import type { MemberRecord } from "../../../src/routing/libp2p/member.ts";
import { type Members, members } from "../../../src/routing/libp2p/members.ts";
import { kadKey, positionOf } from "../../../src/routing/libp2p/position.ts";

/** What a peer does when it is asked or told. */
export interface FakePeer {
  /** Answers a question. */
  ask?(message: KadMessage): Promise<Partial<KadMessage>>;
  /** Takes messages; what it throws is a broken connection. */
  tell?(messages: KadMessage[]): void | Promise<void>;
  /** False: nobody can connect to it. */
  reachable?: boolean;
  /** True: there is a connection from the start. */
  linked?: boolean;
}

/** Members and links to them. */
export interface FakeNetwork {
  readonly members: Members;
  readonly links: Links;
  /** Ids of those that a connection was made to, in order. */
  readonly dialled: string[];
  /** What was said to members beside questions, by id. */
  readonly said: string[];
}

/** A member's record; its id is as short as a test likes. */
export function memberRecord(
  id: string,
  facts: Partial<MemberRecord> = {},
): MemberRecord {
  const address = `${id}:5002`;
  return { id, seq: 1, routers: [`${id}:5001`], address, zone: "", ...facts };
}

/** Makes a network of this node, `self`, and these. */
export function fakeNetwork(
  peers: Readonly<Record<string, FakePeer>>,
): FakeNetwork {
  const dialled: string[] = [];
  const said: string[] = [];
  const known = members({
    self: memberRecord("self"),
    positionOf: (id) => positionOf(kadKey(id)),
    onNews() {},
    onChange() {},
  });
  known.merge(Object.keys(peers).map((id) => memberRecord(id)), 0);
  const open = new Map<string, Link>();

  function link(id: string): Link {
    const peer = peers[id] ?? {};
    const made: Link = {
      id,
      usedAt: performance.now(),
      talk: {
        greet() {},
        tell: (news) => said.push(`${id}: ${news.map((one) => one.id)}`),
        beat: () => said.push(`${id}: beat`),
        bye: () => said.push(`${id}: bye`),
        rttMs: null,
      } as Conversation,
      kad: {
        async ask(bytes) {
          const message = decodeKad(bytes);
          if (!message || !peer.ask) throw new Error("it does not answer");
          return { ...message, ...await peer.ask(message) };
        },
        async tell(pieces) {
          const all = [...pieces].flat().flatMap((one) => decodeKad(one) ?? []);
          await peer.tell?.(all);
        },
      },
      close() {
        said.push(`${id}: closed`);
        open.delete(id);
      },
    };
    open.set(id, made);
    return made;
  }

  for (const [id, { linked }] of Object.entries(peers)) if (linked) link(id);
  return {
    members: known,
    dialled,
    said,
    links: {
      get: (id) => open.get(id),
      link({ record: { id } }) {
        const there = open.get(id);
        if (there) return Promise.resolve(there);
        dialled.push(id);
        if (peers[id]?.reachable === false) {
          const error = Object.assign(new Error("refused"), {
            code: "ECONNREFUSED",
          });
          return Promise.reject(error);
        }
        return Promise.resolve(link(id));
      },
      meet: () => Promise.reject(new Error("not here")),
      all: () => open.values(),
      get size() {
        return open.size;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
  };
}
