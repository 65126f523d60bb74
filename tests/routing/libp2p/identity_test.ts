/**
 * The identity that a node keeps.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
} from "node:crypto";
import { DENO_FILES } from "../../../src/hosts/file_operations.ts";
import {
  IDENTITY_FILE,
  keptIdentity,
} from "../../../src/routing/libp2p/identity.ts";
import { temporaryFolder } from "../../hosts/temporary_folder.ts";
import { recordedLog } from "../../recorded.ts";

Deno.test("keptIdentity() makes one, keeps it for its owner, and knows it again", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/not/yet/there`;
  const log = recordedLog();
  const first = await keptIdentity(path, { log });
  const again = await keptIdentity(path, { log });
  assert.deepEqual(again, first);
  assert.deepEqual([first.privateKey.length, first.publicKey.length], [32, 32]);
  assert.deepEqual(log.lines, []);

  const { mode } = await Deno.stat(`${path}/${IDENTITY_FILE}`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(Object.keys(await folder.files()), [
    `not/yet/there/${IDENTITY_FILE}`,
  ]);
});

Deno.test("keptIdentity() gives the two halves of what openssl reads", async () => {
  await using folder = await temporaryFolder();
  const identity = await keptIdentity(folder.path, { log: recordedLog() });
  const key = createPrivateKey(await folder.read(IDENTITY_FILE));
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  assert.equal(Buffer.from(identity.publicKey).toString("base64url"), x);
  const { d = "" } = key.export({ format: "jwk" });
  assert.equal(Buffer.from(identity.privateKey).toString("base64url"), d);
});

Deno.test("keptIdentity() is another one on each node", async () => {
  await using one = await temporaryFolder();
  await using other = await temporaryFolder();
  const log = recordedLog();
  const { publicKey } = await keptIdentity(one.path, { log });
  const { publicKey: theirs } = await keptIdentity(other.path, { log });
  assert.notDeepEqual(publicKey, theirs);
});

const P256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  .export({ format: "pem", type: "pkcs8" });
const CUT = generateKeyPairSync("ed25519").privateKey
  .export({ format: "pem", type: "pkcs8" }).slice(0, 60);

Deno.test.each([
  { what: "empty", text: "" },
  { what: "no key", text: "hello" },
  { what: "cut off", text: String(CUT) },
  { what: "another kind of key", text: String(P256) },
  { what: "too long", text: "-----BEGIN PRIVATE KEY-----\n".repeat(1_000) },
])("keptIdentity() replaces a file that is $what", async ({ text }) => {
  await using folder = await temporaryFolder({ [IDENTITY_FILE]: text });
  const log = recordedLog();
  const first = await keptIdentity(folder.path, { log });
  assert.deepEqual(log.lines.map(({ level, msg }) => [level, msg]), [
    ["warn", "identity is broken: replaced"],
  ]);
  assert.deepEqual(await keptIdentity(folder.path, { log }), first);
  assert.equal(log.lines.length, 1);
});

Deno.test("keptIdentity() leaves a folder of that name, and starts all the same", async () => {
  const inside = `${IDENTITY_FILE}/inside`;
  await using folder = await temporaryFolder({ [inside]: "mine" });
  const log = recordedLog();
  await keptIdentity(folder.path, { log });
  await log.line("identity cannot be kept: a new one at each start");
  assert.equal(await folder.read(inside), "mine");
});

Deno.test("keptIdentity() gives a new one each time where it cannot write", async () => {
  await using folder = await temporaryFolder({});
  const files = {
    ...DENO_FILES,
    create: () => Promise.reject(new Deno.errors.PermissionDenied("no")),
  };
  const log = recordedLog();
  const first = await keptIdentity(folder.path, { log, files });
  const second = await keptIdentity(folder.path, { log, files });
  assert.notDeepEqual(second, first);
  assert.deepEqual(
    log.lines.map(({ msg }) => msg),
    Array(2).fill("identity cannot be kept: a new one at each start"),
  );
  assert.deepEqual(await folder.files(), {});
});

Deno.test("keptIdentity() keeps the old file until the new one is whole", async () => {
  await using folder = await temporaryFolder({ [IDENTITY_FILE]: "old" });
  const files = {
    ...DENO_FILES,
    rename: () => Promise.reject(new Error("power cut")),
  };
  await keptIdentity(folder.path, { log: recordedLog(), files });
  assert.equal(await folder.read(IDENTITY_FILE), "old");
});

Deno.test("keptIdentity() starts where it may not read", async () => {
  await using folder = await temporaryFolder({ [IDENTITY_FILE]: "" });
  const files = {
    ...DENO_FILES,
    read: () => Promise.reject(new Deno.errors.PermissionDenied("no")),
  };
  const log = recordedLog();
  await keptIdentity(folder.path, { log, files });
  assert.equal((await log.line("identity cannot be read")).level, "warn");
});
