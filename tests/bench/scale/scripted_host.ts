/**
 * Members that do what one router sees of its cluster, and nothing among
 * themselves: they take and make connections, speak every 2 s, tell of records,
 * come and go. All of a process share one memory of who is there.
 *
 * @module
 */

import {
  type Host,
  idBytes,
  startHost,
} from "../../../src/routing/libp2p/host.ts";
import { encodeKad } from "../../../src/routing/libp2p/kad_message.ts";
import { serveKad } from "../../../src/routing/libp2p/kad_server.ts";
import { type Links, makeLinks } from "../../../src/routing/libp2p/links.ts";
import type { MemberRecord } from "../../../src/routing/libp2p/member.ts";
import { type Members, members } from "../../../src/routing/libp2p/members.ts";
import { kadKey, positionOf } from "../../../src/routing/libp2p/position.ts";
import { talk } from "../../cluster/talk.ts";
import { newIdentity } from "../../../src/routing/libp2p/identity.ts";
import {
  digestsOf,
  NETWORK,
  type ScriptedOptions,
  type ScriptedQuestions,
} from "./commands.ts";

const [text = "{}"] = Deno.args;
const { first, count }: ScriptedOptions = JSON.parse(text);
const { signal } = new AbortController();
const PROTOCOLS = {
  members: `${NETWORK}/members/1.0.0`,
  kad: `${NETWORK}/kad/1.0.0`,
};

/** One that does as it is told. */
interface Scripted {
  readonly host: Host;
  readonly links: Links;
  readonly record: MemberRecord;
  readonly number: number;
}

/** Hosts that are not said to be there yet, for those that come. */
const SPARES = Math.ceil(count / 5);

const all: Scripted[] = [];
const spares: Scripted[] = [];
let router = "";

async function scripted(number: number): Promise<Scripted> {
  const host = await startHost({
    identity: newIdentity(),
    listen: { host: "127.0.0.1", port: 0 },
    maxConnections: 8,
    swarmKey: null,
  });
  const record: MemberRecord = {
    id: host.id,
    seq: 1,
    routers: [`127.0.0.1:${host.port}`],
    address: `127.${number >> 8}.${number & 255}.9:5002`,
    zone: "",
  };
  const links = await makeLinks({
    host,
    protocols: PROTOCOLS,
    filled: () => true,
    self: () => record,
    all: () => known.all(),
    hash: () => known.hash(),
    onTold() {},
    onHello() {},
    onNews: (_id, news) => void known.merge(news, performance.now()),
    onLinked() {},
    onLost() {},
  });
  await host.handle(PROTOCOLS.kad, (stream, { remotePeer }) => {
    serveKad(stream, remotePeer.toString(), {
      add() {},
      remove() {},
      providers: () => [],
      closest: () => [],
    });
  });
  return { host, links, record, number };
}

function know(records: readonly MemberRecord[]): void {
  known.merge(records, performance.now());
}

async function meet(multiaddr: string): Promise<void> {
  router = multiaddr;
  const [one] = all;
  await one?.links.meet(multiaddr, signal);
  setInterval(() => {
    for (const { links } of all) {
      for (const link of links.all()) link.talk.beat();
    }
  }, 2_000);
}

/** Messages of some records of one node. */
function recordsOf({ host, number }: Scripted, records: number): Uint8Array[] {
  const providers = [{ id: idBytes(host.id), addresses: [] }];
  return digestsOf(number, records).map((digest) =>
    encodeKad({ type: "addProvider", key: kadKey(digest), providers })
  );
}

const timers: ReturnType<typeof setTimeout>[] = [];

/** Tells again and again, at moments that are spread over the time. */
function tell(everyMs: number, records: number): void {
  timers.splice(0).forEach((timer) => clearTimeout(timer));
  if (everyMs === 0) return;
  for (const one of all) {
    const again = (ms: number) =>
      timers.push(setTimeout(async () => {
        again(everyMs);
        await tellOnce(one, recordsOf(one, records)).catch(() => {});
      }, ms));
    again(Math.random() * everyMs);
  }
}

async function tellOnce(
  { links }: Scripted,
  messages: readonly Uint8Array[],
): Promise<void> {
  const [linked] = links.all();
  const link = linked ?? await links.meet(router, signal);
  await link.kad.tell([messages], signal);
  if (!linked) link.close();
}

let churning: ReturnType<typeof setInterval> | undefined;

/** Whoever is connected says it, as in a cluster where all hear of it. */
function churn(perMinute: number): void {
  clearInterval(churning);
  if (perMinute === 0) return;
  churning = setInterval(() => {
    const [gone] = all.splice(1, 1);
    const come = spares.shift();
    const speaker = all.find(({ links }) => links.size > 0);
    if (!gone || !come) return;
    all.push(come);
    const news = [{ ...gone.record, down: true }, come.record];
    known.merge(news, performance.now());
    const [link] = speaker?.links.all() ?? [];
    link?.talk.tell(news);
    for (const link of [...gone.links.all()]) link.close();
  }, 60_000 / perMinute);
}

for (let i = 0; i < count + SPARES; i++) {
  (i < count ? all : spares).push(await scripted(first + i));
}
const [self] = all;
if (!self) throw new Error("Cannot script nobody");
const known: Members = members({
  self: self.record,
  positionOf: (id) => positionOf(idBytes(id)),
  onNews() {},
  onChange() {},
});
const records = all.map(({ record }) => record);
know(records);
await talk(records, (name, args) => {
  const [one, two] = args as [never, never];
  switch (name as keyof ScriptedQuestions) {
    case "know":
      return Promise.resolve(know(one));
    case "meet":
      return meet(one);
    case "tell":
      return Promise.resolve(tell(one, two));
    case "churn":
      return Promise.resolve(churn(one));
  }
});
Deno.exit(0);
