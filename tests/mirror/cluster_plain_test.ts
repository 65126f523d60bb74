/**
 * The cluster as a source for clients that do not know that they ask a mirror:
 * they get what is there, and change nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHECKED_MAX_BYTES } from "../../src/mirror/start.ts";
import {
  follow,
  guidedCluster,
  hold,
  isSentTo,
  LEAD,
  pulling,
} from "./fake_home.ts";
import { type Answer, fakeContent, goodAnswer } from "./fake_peer.ts";

const LARGE = fakeContent(CHECKED_MAX_BYTES + 1000);
const SIZE = LARGE.bytes.length;
const PLAIN = { ...LARGE.request, registry: "docker.io", plain: true };
const { signal } = new AbortController();

const good: Answer = (request) => goodAnswer(LARGE, request);

Deno.test.each([LEAD, { kind: "none" } as const])(
  "cluster() sends no plain client upstream when home says $kind",
  async (reply) => {
    // Not even while this node's own containerd is pulling the same.
    const { source, asked } = guidedCluster({
      replies: [reply],
      pull: pulling(0, SIZE),
    });
    assert.equal(await source.open(PLAIN, { signal }), null);
    assert.deepEqual(asked, [{
      mayLead: false,
      offset: 0,
      total: 0,
      holders: [],
      failed: [],
      stalled: null,
    }]);
  },
);

Deno.test.each([hold("a"), follow("a")])(
  "cluster() gives a plain client what is there, and tells nobody: $kind",
  async (reply) => {
    const { source, told } = guidedCluster({
      peers: { a: good },
      replies: [reply],
      pull: pulling(0, SIZE),
    });
    const open = await source.open(PLAIN, { signal });
    assert.deepEqual(await new Response(open?.body).bytes(), LARGE.bytes);
    // It is this node's containerd of which home is told.
    assert.deepEqual(told, []);
  },
);

Deno.test("cluster() keeps what containerd is to be told from a plain client", async () => {
  const { source, leads } = guidedCluster({ pull: pulling(100, SIZE) });
  leads.expect(LARGE.digest);
  assert.equal(await source.open(PLAIN, { signal }), null);
  const { plain: _plain, ...ofContainerd } = PLAIN;
  await assert.rejects(
    source.open(ofContainerd, { signal }),
    isSentTo(`https://docker.io/v2/library/app/blobs/${LARGE.digest}`),
  );
});
