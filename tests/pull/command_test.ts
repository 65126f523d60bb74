/**
 * `peili pull` as a person runs it, with the permissions of its set.
 *
 * @module
 */

import assert from "node:assert/strict";
import { temporaryFolder } from "../hosts/temporary_folder.ts";
import { program, startProgram } from "../program.ts";
import { brokenAfter, fakeImage, startRegistry } from "./fake_registry.ts";
import { pullTarget } from "./pulling.ts";

const IMAGE = fakeImage([300_000]);
const { manifest: MANIFEST, layers: [LAYER = IMAGE.config] } = IMAGE;
/** Nobody listens there. */
const PROXY = {
  ["HTTP_PROXY"]: "http://127.0.0.1:1",
  ["NO_PROXY"]: "x.example",
};
const SET = { permissions: ["-P=pull"] };

Deno.test("peili pull says what came from where, and the digest", async () => {
  await using mirror = startRegistry(
    IMAGE.pieces,
    ({ url }) =>
      url.includes(LAYER.digest) ? new Response(null, { status: 404 }) : null,
  );
  const basic = `Basic ${btoa("me:secret")}`;
  await using registry = startRegistry(IMAGE.pieces, ({ headers }) => {
    if (headers.get("Authorization") === basic) return null;
    const wanted = { "WWW-Authenticate": "Basic" };
    return new Response(null, { status: 401, headers: wanted });
  });
  await using docker = await temporaryFolder({
    "config.json": JSON.stringify({
      auths: { [registry.address]: { auth: btoa("me:secret") } },
    }),
  });
  await using target = await pullTarget();
  const { code, stdout, stderr } = await program([
    "pull",
    `${registry.address}/app:v1`,
    `--to=layout:${target.path}`,
    `--mirror=${mirror.address}`,
  ], {
    ...SET,
    env: { ["DOCKER_CONFIG"]: docker.path },
  });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, `${registry.address}/app:v1 ${MANIFEST.digest}\n`);
  const lines = stderr.trimEnd().split("\n").sort();
  assert.match(
    lines[0] ?? "",
    /^config {3}[0-9a-f]{12} .* {2}from the mirror$/,
  );
  assert.match(lines[1] ?? "", /^layer .* 300 kB {2}from the registry$/);
  assert.match(lines[2] ?? "", /^manifest .* {2}from the mirror$/);
  assert.equal(lines.length, 3);
  assert.deepEqual(await target.blob(LAYER.digest), LAYER.bytes);
});

Deno.test("peili pull that is stopped says how to go on, and the next one does", async () => {
  await using target = await pullTarget();
  const begun = Promise.withResolvers<void>();
  let isFirst = true;
  await using registry = startRegistry(IMAGE.pieces, (request, good) => {
    if (!request.url.includes(LAYER.digest) || !isFirst) return null;
    isFirst = false;
    return brokenAfter(200_000, good(request), async () => {
      await target.untilIngested(LAYER.digest, 200_000);
      begun.resolve();
      await new Promise((resolve) =>
        request.signal.addEventListener("abort", resolve)
      );
    });
  });
  const args = [
    "pull",
    `${registry.address}/app:v1`,
    `--to=layout:${target.path}`,
  ];
  await using pull = startProgram(args, SET);
  await begun.promise;
  pull.stop();
  const { code, stdout, stderr } = await pull.ended;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: stopped; the same command goes on from here$/m);

  const again = await program(args, SET);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(
    registry.requests.at(-1),
    `GET /v2/app/blobs/${LAYER.digest} bytes=200000-`,
  );
  assert.deepEqual(await target.blob(LAYER.digest), LAYER.bytes);
});

Deno.test("peili pull goes on without credentials where it may not look for them", async () => {
  await using registry = startRegistry(
    IMAGE.pieces,
    () => {
      const wanted = { "WWW-Authenticate": "Basic" };
      return new Response(null, { status: 401, headers: wanted });
    },
  );
  await using target = await pullTarget();
  const { code, stderr } = await program([
    "pull",
    `${registry.address}/app:v1`,
    `--to=layout:${target.path}`,
  ], {
    permissions: ["--allow-net", "--allow-env=PEILI_*"],
  });
  const [first = "", last = ""] = stderr.split("\n");
  assert.equal(code, 1);
  assert.match(first, /DOCKER_CONFIG.*; going on without credentials$/);
  assert.match(last, /^error: .* it needs other credentials \(docker login\)/);
});

Deno.test("peili pull asks a mirror and a registry of this machine without a proxy", async () => {
  await using registry = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  const { code, stderr } = await program([
    "pull",
    `${registry.address}/app:v1`,
    `--to=layout:${target.path}`,
    `--mirror=${registry.address}`,
  ], { ...SET, env: PROXY });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^layer .* from the mirror$/m);
});

Deno.test("peili pull says in a line what is wrong", async () => {
  await using registry = startRegistry([]);
  await using target = await pullTarget();
  const name = `${registry.address}/app:v1`;
  const to = `--to=layout:${target.path}`;
  const none = await program(["pull", name, to], SET);
  assert.deepEqual(none, {
    code: 1,
    stdout: "",
    stderr:
      "error: Cannot look up v1 of app: the registry says: there is no such image (status 404)\n",
  });
  const noTarget = await program(["pull", name], SET);
  assert.deepEqual(noTarget, {
    code: 2,
    stdout: "",
    stderr: "error: required option '--to <layout:path>' not specified\n",
  });
});
