/** What a pod says is said to containerd, and nothing is left out. @module */
import assert from "node:assert/strict";
import {
  bytesOfQuantity,
  checkPod,
  containerOf,
  expand,
  variablesOf,
} from "./pod_spec.ts";

const PLACE = {
  namespace: "system",
  nodeName: "a1",
  hostIp: "10.0.0.1",
  podIp: "10.244.0.2",
  labels: { "example.org/zone": "z1" },
};

const SPEC = {
  securityContext: { seccompProfile: { type: "RuntimeDefault" } },
  containers: [],
};

const field = (name: string, fieldPath: string) => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

Deno.test("expand() fills in what is known, as Kubernetes does", () => {
  const text = "http://$(IP):1,$(NONE),$$(IP),$IP";
  const filled = "http://10.0.0.1:1,$(NONE),$(IP),$IP";
  assert.equal(expand(text, { IP: "10.0.0.1" }), filled);
});

Deno.test("variablesOf() knows the downward API", () => {
  const env = [
    field("HOST", "status.hostIP"),
    field("POD", "status.podIP"),
    field("NODE", "spec.nodeName"),
    field("ZONE", "metadata.labels['example.org/zone']"),
    field("NONE", "metadata.labels['example.org/other']"),
    { name: "URL", value: "http://$(HOST)/$(LATER)" },
    { name: "LATER", value: "x" },
  ];
  assert.deepEqual(variablesOf({ env }, PLACE), {
    HOST: "10.0.0.1",
    POD: "10.244.0.2",
    NODE: "a1",
    ZONE: "z1",
    NONE: "",
    URL: "http://10.0.0.1/$(LATER)",
    LATER: "x",
  });
  const unknown = { env: [field("UID", "metadata.uid")] };
  assert.throws(() => variablesOf(unknown, PLACE), /Cannot say metadata.uid/);
});

Deno.test("bytesOfQuantity() reads what limits are written in", () => {
  assert.equal(bytesOfQuantity("128Mi"), 128 << 20);
  assert.equal(bytesOfQuantity("1000"), 1000);
  assert.throws(() => bytesOfQuantity("1.5Gi"), TypeError);
});

Deno.test.each([
  { name: "a lifecycle", container: { lifecycle: {} }, says: /lifecycle/ },
  {
    name: "a privilege",
    container: { securityContext: { privileged: true } },
    says: /privileged/,
  },
  {
    name: "a limit",
    container: { resources: { limits: { cpu: "1" } } },
    says: /cpu/,
  },
  {
    name: "a volume that is none",
    container: { volumeMounts: [{ name: "x", mountPath: "/x" }] },
    says: /no such volume/,
  },
  {
    name: "root where there must be none",
    container: { securityContext: { runAsUser: 0, runAsNonRoot: true } },
    says: /would be root/,
  },
])("containerOf() does not pass over $name", ({ container, says }) => {
  const template = { metadata: {}, spec: SPEC };
  const all = { name: "c", image: "i", ...container };
  const world = { place: PLACE, folders: {} };
  assert.throws(() => containerOf(template, all, world), says);
});

Deno.test("checkPod() does not pass over the node's own network", () => {
  const template = { metadata: {}, spec: { ...SPEC, hostNetwork: true } };
  assert.throws(() => checkPod(template), /hostNetwork/);
});
