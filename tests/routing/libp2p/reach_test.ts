/**
 * Addresses that bootstrap names are tried, as many as it takes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { NO_LOG } from "../../../src/log.ts";
import { SelfDialError } from "../../../src/routing/libp2p/host.ts";
import { reaching } from "../../../src/routing/libp2p/reach.ts";
import { fakeNetwork } from "./fake_links.ts";

const { signal } = new AbortController();
const IDS = Array.from({ length: 100 }, (_, i) => `p${i}`);
const addressOf = (id: string) => `/dns/${id}/tcp/5001`;

/** Nodes at addresses by their ids, of whom some answer. */
function nodes(answers: (id: string) => boolean) {
  const network = fakeNetwork(Object.fromEntries(IDS.map((id) => [id, {}])));
  const { members, links } = network;
  const tried: string[] = [];
  const dialled: string[] = [];
  Object.assign(links, {
    async meet(multiaddr: string) {
      const [, , id = ""] = multiaddr.split("/");
      tried.push(id);
      await Promise.resolve();
      if (id === "self") throw new SelfDialError("it is here");
      if (!answers(id)) throw new Error("nobody is there");
      const member = members.get(id) ?? assert.fail();
      return await links.link(member, signal);
    },
  });
  const reach = reaching({
    links,
    members,
    where: {
      announce() {},
      seen() {},
      dialled: (multiaddr) => dialled.push(multiaddr),
    },
    log: NO_LOG,
  });
  return { reach, links, tried, dialled };
}

Deno.test("reaching() tries all addresses while few answer", async () => {
  const { reach, links, tried } = nodes((id) => id === "p3" || id === "p99");
  await reach.all(IDS.map(addressOf), signal);
  assert.equal(tried.length, 100);
  assert.equal(links.size, 2);
});

Deno.test("reaching() stops when it has met enough to hear of the others from", async () => {
  const { reach, links, tried } = nodes(() => true);
  await reach.all(IDS.map(addressOf), signal);
  assert.ok(links.size >= 20 && tried.length < 40, `${tried.length}`);
});

Deno.test("reaching() does not try where it is connected already", async () => {
  const { reach, tried } = nodes(() => true);
  await reach.meet(addressOf("p7"), signal);
  await reach.all(["p7", "p8"].map(addressOf), signal);
  assert.deepEqual(tried, ["p7", "p8"]);
});

Deno.test("reaching() tells where this node answered itself", async () => {
  const { reach, dialled } = nodes(() => true);
  assert.equal(await reach.meet(addressOf("self"), signal), null);
  assert.deepEqual(dialled, [addressOf("self")]);
});

Deno.test("reaching() ends with its signal", async () => {
  const { reach, tried } = nodes(() => false);
  await reach.all(IDS.map(addressOf), AbortSignal.abort());
  assert.ok(tried.length <= 16);
});
