/** Asking who is at routers' addresses. @module */

import assert from "node:assert/strict";
import { askRouters } from "../../../src/routing/libp2p/ask_routers.ts";
import { LIBP2P, multiaddrOf, startRouter } from "./libp2p_cluster.ts";

const { signal } = new AbortController();
const SECRET = new Uint8Array(32).fill(7);
const NETWORK = { prefix: "/peili/test", swarmKey: SECRET };

Deno.test(
  "askRouters() tells members, strangers and nobody apart",
  LIBP2P,
  async () => {
    await using ours = await startRouter({ swarmKey: SECRET, peerPort: 7 });
    await using other = await startRouter({
      swarmKey: new Uint8Array(32).fill(8),
    });
    await using named = await startRouter({
      swarmKey: SECRET,
      prefix: "/peili/other",
    });
    await using open = await startRouter();
    const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const nobody = `/ip4/127.0.0.1/tcp/${gone.addr.port}`;
    gone.close();
    const routers = [ours, other, named, open].map(multiaddrOf);
    assert.deepEqual(await askRouters([...routers, nobody], NETWORK, signal), [
      "member",
      "stranger",
      "stranger",
      "stranger",
      "nobody",
    ]);
    // Who asks is a guest: nobody takes it for a member.
    assert.deepEqual(ours.counts(), { links: 0, members: 1, records: 0 });
  },
);

Deno.test("askRouters() asks networks without a secret", LIBP2P, async () => {
  await using open = await startRouter();
  const network = { prefix: "/peili/test", swarmKey: null };
  const answers = await askRouters([multiaddrOf(open)], network, signal);
  assert.deepEqual(answers, ["member"]);
});
