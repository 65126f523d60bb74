/** Where Peili is on a node. @module */

import assert from "node:assert/strict";
import { answersAsPeili, isHere } from "../../src/doctor/mirrors.ts";
import { fakeNode, otherAnswers, peiliAnswers } from "./fake_node.ts";

const { signal: NEVER } = new AbortController();

Deno.test("mirrorsOf() takes the target that hosts.toml names", async () => {
  await using node = await fakeNode();
  const mirrors = await node.facts().mirrors();
  assert.deepEqual(mirrors.named, ["http://10.0.0.1:30020"]);
  assert.equal(mirrors.target, "http://10.0.0.1:30020");
  assert.ok(mirrors.runs);
});

Deno.test("mirrorsOf() finds a mirror that nobody has named", async () => {
  await using node = await fakeNode();
  await node.folder.write("certs.d/_default/hosts.toml", "");
  node.addresses = ["172.16.0.1", "10.0.0.9"];
  node.web.set("10.0.0.9:5000/livez", peiliAnswers);
  const { target, runs, named } = await node.facts().mirrors();
  assert.deepEqual(
    { target, runs, named },
    { target: "http://10.0.0.9:5000", runs: true, named: [] },
  );
});

Deno.test("mirrorsOf() prefers the address by which peers know this node", async () => {
  await using node = await fakeNode();
  node.web.clear();
  await node.folder.write("certs.d/_default/hosts.toml", "");
  node.addresses = ["172.17.0.1", "10.0.0.1"];
  const { target } = await node.facts().mirrors();
  assert.equal(target, "http://10.0.0.1:30020");
});

Deno.test("mirrorsOf() names no address of a pod", async () => {
  await using node = await fakeNode();
  node.web.clear();
  await node.folder.write("certs.d/_default/hosts.toml", "");
  node.addresses = ["10.244.0.7"];
  node.web.set("10.244.0.7:5000/livez", peiliAnswers);
  node.web.set("127.0.0.1:5000/livez", peiliAnswers);
  node.options.nodeIp = ["10.0.0.1"];
  const { target, answers, runs } = await node.facts().mirrors();
  assert.deepEqual(
    { target, answers, runs },
    { target: "http://10.0.0.1:30020", answers: false, runs: true },
  );
});

Deno.test("mirrorsOf() says where Peili would be", async () => {
  await using node = await fakeNode();
  node.web.clear();
  await node.folder.write("certs.d/_default/hosts.toml", "");
  const { target, runs } = await node.facts().mirrors();
  assert.deepEqual({ target, runs }, {
    target: "http://10.0.0.1:30020",
    runs: false,
  });
});

Deno.test("mirrorsOf() keeps to the address of --mirror-addr", async () => {
  await using node = await fakeNode();
  await node.folder.write("certs.d/_default/hosts.toml", "");
  node.web.clear();
  node.web.set("127.0.0.1:30020/livez", peiliAnswers);
  node.options.mirrorAddr = { hostname: "127.0.0.1", port: 30020 };
  const { target } = await node.facts().mirrors();
  assert.equal(target, "http://127.0.0.1:30020");
});

Deno.test("mirrorsOf() takes a stranger on this node's address for no Peili", async () => {
  await using node = await fakeNode();
  const { isOwn } = await node.facts().mirrors();
  assert.ok(isOwn("http://10.0.0.1:30021"));
  assert.ok(!isOwn("http://10.0.0.1:8080"));
  assert.ok(!isOwn("http://10.0.0.2:30020"));
  assert.ok(!isOwn("https://registry-1.docker.io"));
});

Deno.test.each([
  { host: "127.0.0.1", here: true },
  { host: "[::1]", here: true },
  { host: "[fd00::1]", here: true },
  { host: "10.0.0.1", here: true },
  { host: "10.0.0.2", here: false },
  { host: "example.org", here: false },
])("isHere() of $host", ({ host, here }) => {
  assert.equal(isHere(host, ["10.0.0.1", "fd00::1"]), here);
});

Deno.test.each([
  { name: "Peili", respond: peiliAnswers, expected: "peili" },
  { name: "another", respond: otherAnswers, expected: "other" },
  {
    name: "one that says ok without a line's end, as Kubernetes does",
    respond: () => new Response("ok"),
    expected: "other",
  },
  {
    name: "one that sends without end",
    respond: () => new Response("ok\n".repeat(1_000)),
    expected: "other",
  },
])("answersAsPeili() knows $name", async ({ respond, expected }) => {
  const fetcher = () => Promise.resolve(respond());
  const answer = await answersAsPeili("http://10.0.0.1:1/", fetcher, NEVER);
  assert.equal(answer, expected);
});

Deno.test("answersAsPeili() knows that nobody is there", async () => {
  const fetcher = () => Promise.reject(new TypeError("refused"));
  const answer = await answersAsPeili("http://10.0.0.1:1", fetcher, NEVER);
  assert.equal(answer, "nobody");
});

Deno.test("answersAsPeili() tells who is late from nobody", async () => {
  const silent = (_url: unknown, init?: RequestInit) =>
    new Promise<Response>((_, reject) =>
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason))
    );
  const fetcher = silent as typeof fetch;
  const answer = await answersAsPeili("http://10.0.0.1:1", fetcher, NEVER);
  assert.equal(answer, "late");
});
