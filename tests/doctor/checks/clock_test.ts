/** The check of the clock. @module */

import assert from "node:assert/strict";
import { clock } from "../../../src/doctor/checks/clock.ts";
import { look, testCheck } from "../check_rows.ts";
import { byDns, fakeNode, peerAnswers, refuses } from "../fake_node.ts";

const FIX = ["chronyc makestep || systemctl restart systemd-timesyncd"];

testCheck("clock", clock, [
  { name: "agrees", verdict: "ok", saw: ["it agrees with 2 peers"] },
  {
    name: "has nobody to compare with",
    given: ({ options }) => void (options.staticPeers = []),
    verdict: "ok",
    saw: [/; no peer to compare with$/],
  },
  {
    name: "warns of a minute",
    given: ({ web }) =>
      void web.set(
        "10.0.0.2:5002/peili/v1/peer",
        peerAnswers("b", Date.now() + 50_400),
      ),
    verdict: "warning",
    saw: [/^it is (49|50) s behind 10.0.0.2:5002$/],
    fix: FIX,
  },
  {
    name: "names minutes: nodes refuse each other",
    given: ({ web }) =>
      void web.set(
        "10.0.0.2:5002/peili/v1/peer",
        () => refuses("old proof", Date.now() - 300_400),
      ),
    verdict: "problem",
    saw: [
      /^it is (300|301) s ahead of 10.0.0.2:5002: beyond 60 s nodes refuse each other$/,
    ],
    fix: FIX,
  },
  {
    name: "warns of minutes where there is no secret to prove",
    given({ options, web }) {
      options.secretFile = "";
      web.set(
        "10.0.0.2:5002/peili/v1/peer",
        peerAnswers("b", Date.now() + 300_400),
      );
    },
    verdict: "warning",
    saw: [/^it is (299|300) s behind 10.0.0.2:5002$/],
    fix: FIX,
  },
  {
    name: "compares with those that DNS names",
    given(node) {
      byDns(node);
      node.web.set(
        "10.0.0.2:5002/peili/v1/peer",
        peerAnswers("b", Date.now() + 50_400),
      );
    },
    verdict: "warning",
    saw: [/^it is (49|50) s behind 10.0.0.2:5002$/],
    fix: FIX,
  },
]);

Deno.test("clock() names one that was never set", async () => {
  await using node = await fakeNode();
  const result = await look((facts) => clock(facts, () => 86_400_000), node);
  assert.equal(result.verdict, "problem");
  assert.match(result.findings[0]?.saw ?? "", /^it says 1970-01-02/);
});
