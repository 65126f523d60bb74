/**
 * What a node tells other Peilis of itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { holdsIn, peerApi } from "../../src/mirror/peer_api.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { routes } from "../../src/registry/routes.ts";
import { holdsPath, PEER_PATH } from "../../src/routing/peer_paths.ts";
import {
  ABSENT,
  BLOB_DIGEST,
  filledStore,
  MANIFEST_DIGEST,
  TAGGED,
} from "../registry/contents.ts";
import { listener } from "../registry/listener.ts";

const { signal } = new AbortController();

const KEYS: { key: string; held: boolean }[] = [
  { key: BLOB_DIGEST, held: true },
  { key: MANIFEST_DIGEST, held: true },
  { key: TAGGED, held: true },
  { key: ABSENT, held: false },
  { key: digestOf("x", "sha512"), held: false },
  { key: "docker.io/library/app:v2", held: false },
  { key: "docker.io/library/app", held: false },
  { key: `docker.io/library/app@${MANIFEST_DIGEST}`, held: false },
  { key: "sha256:12", held: false },
  { key: "", held: false },
  { key: "../../etc/passwd", held: false },
];

Deno.test.each(KEYS)("holdsIn() says $held of '$key'", async (row) => {
  const holds = holdsIn(filledStore());
  assert.equal(await holds(row.key, signal), row.held);
});

Deno.test.each(KEYS)("peerApi() says $held of '$key'", async (row) => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const asked = listener("peer", routes(api));
  const answer = await asked.ask("HEAD", holdsPath(row.key));
  assert.equal(answer.status, row.held ? 200 : 404);
  assert.equal(answer.body, null);
});

Deno.test("peerApi() says who it is", async () => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const answer = await listener("peer", routes(api)).ask("GET", PEER_PATH);
  assert.deepEqual(await answer.json(), { id: "me" });
});

Deno.test("peerApi() refuses a key with a broken escape", async () => {
  const api = peerApi({ id: "me" }, holdsIn(filledStore()));
  const asked = listener("peer", routes(api));
  const answer = await asked.ask("HEAD", "/peili/v1/holds/%E0%A4%A");
  assert.equal(answer.status, 404);
});
