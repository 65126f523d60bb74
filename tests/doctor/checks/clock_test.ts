/** The check of the clock. @module */

import assert from "node:assert/strict";
import { clock } from "../../../src/doctor/checks/clock.ts";
import { look, testCheck } from "../check_rows.ts";
import { fakeNode, peerAnswers } from "../fake_node.ts";

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
    name: "warns of minutes",
    given: ({ web }) =>
      void web.set(
        "10.0.0.2:5002/peili/v1/peer",
        peerAnswers("b", Date.now() + 300_400),
      ),
    verdict: "warning",
    saw: [/^it is (299|300) s behind 10.0.0.2:5002$/],
    fix: FIX,
  },
]);

Deno.test("clock() names one that was never set", async () => {
  await using node = await fakeNode();
  const result = await look((facts) => clock(facts, () => 86_400_000), node);
  assert.equal(result.verdict, "problem");
  assert.match(result.findings[0]?.saw ?? "", /^it says 1970-01-02/);
});
