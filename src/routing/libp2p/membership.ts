/**
 * Belonging to the network: who its members are, which of them this node is
 * connected to, and what they tell each other.
 *
 * @module
 */

import type { Log } from "../../log.ts";
import { gossip } from "./gossip.ts";
import { type Host, idBytes } from "./host.ts";
import { type Keeper, keeper } from "./keeper.ts";
import { type Links, makeLinks } from "./links.ts";
import type { MemberRecord } from "./member.ts";
import {
  type Member,
  type MemberChange,
  type Members,
  members,
} from "./members.ts";
import { type Announcer, announcer } from "./own_address.ts";
import type { HostPort } from "./addresses.ts";
import { positionOf } from "./position.ts";

/** What membership needs of other parts. */
export interface MembershipDeps {
  /** Opens and takes connections. */
  readonly host: Host;
  /** Where its router listens, with the port as it really is. */
  readonly listen: HostPort;
  /** IP under which others reach this node; null: as they see it. */
  readonly ip: string | null;
  /** Where this node is. */
  readonly zone: string;
  /** Protocols of the network. */
  readonly protocols: { readonly members: string; readonly kad: string };
  /** True when this node knows all members. */
  readonly filled: () => boolean;
  /** Hears that a member that is filled has told this node all that it knows. */
  readonly onTold: () => void;
  /** Hears of members that come, or that begin anew. */
  readonly onMember: (id: string) => void;
  readonly log: Log;
}

/** The members, and what this node has to do with them. */
export interface Membership extends AsyncDisposable {
  readonly members: Members;
  readonly links: Links;
  readonly keeper: Keeper;
  /** Tells the members where this node is. */
  readonly where: Announcer;
}

const now = () => performance.now();

/** Begins to belong: nobody is known yet. */
export async function membership(deps: MembershipDeps): Promise<Membership> {
  const { host, listen, ip, zone, protocols, filled, log } = deps;
  await using parts = new AsyncDisposableStack();
  const news = parts.use(gossip(() => links.all()));
  const known = members({
    // The time: newer than anything that it said before.
    self: { id: host.id, seq: Date.now(), routers: [], address: "", zone },
    positionOf: (id) => positionOf(idBytes(id)),
    onNews: (record) => news.add(record),
    onChange(member, change) {
      tellChange(log, member, change);
      if (change === "down") return;
      deps.onMember(member.record.id);
      keep.wake();
    },
  });
  const where = announcer(known, { router: listen, ip });
  const links: Links = parts.use(
    await makeLinks({
      host,
      protocols,
      filled,
      all: () => known.all(),
      hash: () => known.hash(),
      self() {
        const { record } = known.self();
        return record.address === "" ? null : record;
      },
      onTold: deps.onTold,
      onHello: (id, seen) => where.seen(seen, id),
      onNews: (id, told) => hear({ known, links }, id, told),
      onLinked: () => keep.wake(),
      onLost: (id) => keep.lost(id),
    }),
  );
  const keep = keeper({ members: known, links, log, now });
  parts.defer(() => farewell(known, links));
  const all = parts.move();
  return {
    members: known,
    links,
    keeper: keep,
    where,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function tellChange(log: Log, { record }: Member, change: MemberChange): void {
  const { address: peer, id, zone } = record;
  if (change === "up") log.info("peer is there", { peer, id, zone });
  if (change === "down") log.warn("peer is away", { peer, id });
}

/** Takes news, but for the death of somebody that this node speaks with. */
function hear(
  { known, links }: { known: Members; links: Links },
  from: string,
  told: readonly MemberRecord[],
): void {
  const believed = told.filter((record) => {
    const link = record.down ? links.get(record.id) : undefined;
    if (!link || record.id === from) return true;
    link.talk.tell([record]); // It will say itself that it lives.
    return false;
  });
  known.merge(believed, now());
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
