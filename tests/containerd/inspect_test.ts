/** Asking containerd how it is set up. @module */

import assert from "node:assert/strict";
import { containerdInspector } from "../../src/containerd/inspect.ts";
import { type CallAnswers, fakeCalls } from "./fake_calls.ts";

const PLACE = { socket: "/nowhere", namespace: "k8s.io" };
const { signal } = new AbortController();

function inspector(answers: CallAnswers) {
  return containerdInspector(PLACE, fakeCalls(answers));
}

Deno.test("containerdInspector() gives versions without their v", async () => {
  for (const version of ["v2.3.4", "2.3.4"]) {
    using containerd = inspector({ "Version/Version": { version } });
    assert.equal(await containerd.version(signal), "2.3.4");
  }
});

Deno.test("containerdInspector() lists namespaces", async () => {
  const namespaces = [{ name: "k8s.io" }, { name: "moby" }];
  using containerd = inspector({ "Namespaces/List": { namespaces } });
  assert.deepEqual(await containerd.namespaces(signal), ["k8s.io", "moby"]);
});

Deno.test("containerdInspector() tells plugins that failed", async () => {
  const [type, exports] = ["io.containerd.grpc.v1", { root: "/r" }];
  const plugins = [
    { type, id: "content", exports, ["init_err"]: null },
    { type, id: "cri", exports: {}, ["init_err"]: { message: "no" } },
  ];
  using containerd = inspector({ "Introspection/Plugins": { plugins } });
  assert.deepEqual(await containerd.plugins(signal), [
    { type, id: "content", exports, failure: null },
    { type, id: "cri", exports: {}, failure: "no" },
  ]);
});

Deno.test("containerdInspector() reads what CRI runs with", async () => {
  const info = { config: '{"registry":{"configPath":"/a"}}' };
  using containerd = inspector({ "RuntimeService/Status": { info } });
  assert.deepEqual(await containerd.criConfig(signal), {
    registry: { configPath: "/a" },
  });
});

Deno.test("containerdInspector() knows a containerd without CRI", async () => {
  const error = Object.assign(new Error("unknown service"), { code: 12 });
  using containerd = inspector({ "RuntimeService/Status": error });
  assert.equal(await containerd.criConfig(signal), null);
});

Deno.test("containerdInspector() passes other faults of CRI on", async () => {
  const error = Object.assign(new Error("away"), { code: 14 });
  using containerd = inspector({ "RuntimeService/Status": error });
  await assert.rejects(containerd.criConfig(signal), error);
});
