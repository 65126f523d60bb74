/** The check of the listeners' ports. @module */

import assert from "node:assert/strict";
import { ports } from "../../../src/doctor/checks/ports.ts";
import { look, testCheck } from "../check_rows.ts";
import { byDns, fakeNode, otherAnswers } from "../fake_node.ts";

/** A port on which nobody listens, here and now. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

testCheck("ports", ports, [
  {
    name: "sees Peili",
    verdict: "ok",
    saw: ["5000 is Peili's, 5002 is Peili's, 9090 is Peili's"],
  },
  {
    name: "sees Peili's router, where there is one",
    given: byDns,
    verdict: "ok",
    saw: [
      "5000 is Peili's, 5002 is Peili's, 9090 is Peili's, 5001 is Peili's",
    ],
  },
  {
    name: "names another program where the router should be",
    given(node) {
      byDns(node);
      node.routers.set("/ip4/127.0.0.1/tcp/5001", "stranger");
    },
    verdict: "problem",
    saw: ["another program listens on 5001 (--router-addr)"],
    fix: [
      "ss -ltnp 'sport = :5001'",
      "# give Peili --router-addr=[::]:15001 (PEILI_ROUTER_ADDR=[::]:15001), restart it",
    ],
  },
  {
    name: "names another program",
    given: ({ web }) => void web.set("127.0.0.1:5000/livez", otherAnswers),
    verdict: "problem",
    saw: ["another program listens on 5000 (--mirror-addr)"],
    fix: [
      "ss -ltnp 'sport = :5000'",
      "# give Peili --mirror-addr=[::]:15000 (PEILI_MIRROR_ADDR=[::]:15000), restart it",
    ],
  },
]);

Deno.test("ports() sees a port that is free", async () => {
  await using node = await fakeNode();
  const port = freePort();
  node.options.metricsAddr = { hostname: "127.0.0.1", port };
  const { findings } = await look(ports, node);
  assert.match(findings[0]?.saw ?? "", new RegExp(`, ${port} is free$`));
});

Deno.test("ports() names a program that speaks no HTTP", async () => {
  await using node = await fakeNode();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  node.options.peerAddr = { hostname: "127.0.0.1", port: listener.addr.port };
  const { verdict, findings } = await look(ports, node);
  assert.equal(verdict, "problem");
  assert.match(findings[0]?.saw ?? "", /another program .*\(--peer-addr\)$/);
});
