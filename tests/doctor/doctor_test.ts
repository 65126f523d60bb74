/** All checks together: on a machine without containerd, and at a start. @module */

import assert from "node:assert/strict";
import { diagnose, diagnoseAtStart } from "../../src/doctor/doctor.ts";
import type { DoctorOptions } from "../../src/doctor/facts.ts";
import { recordedLog } from "../recorded.ts";

const { signal: NEVER } = new AbortController();

/** grpc-js keeps the timer of its next try after its channel was closed. */
const GRPC = { sanitizeOps: false, sanitizeResources: false };

/** Nothing is at port 9 (discard, RFC 863) of this machine. */
const NOBODY = { hostname: "127.0.0.1", port: 9 };

const OPTIONS: DoctorOptions = {
  routerAddr: { hostname: "127.0.0.1", port: 0 },
  bootstrapKind: "",
  dnsBootstrapDomain: "",
  httpBootstrapAddr: "",
  httpBootstrapPeer: "",
  staticBootstrapPeers: [],
  containerdSock: "/nowhere/containerd.sock",
  containerdNamespace: "k8s.io",
  containerdContentPath: "/nowhere/content",
  containerdConfig: "/nowhere/config.toml",
  containerdRegistryConfigPath: "/nowhere/certs.d",
  kubeletConfig: "/nowhere/kubelet.yaml",
  mirrorAddr: NOBODY,
  peerAddr: NOBODY,
  metricsAddr: NOBODY,
  staticPeers: ["127.0.0.1:9"],
  nodeIp: [],
  network: "peili",
  secretFile: "",
  resolveTags: true,
};

Deno.test(
  "diagnose() has one result a check, each with its own name",
  GRPC,
  async () => {
    const results = await diagnose({ ...OPTIONS, trial: true }, NEVER);
    const names = results.map(({ check }) => check);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.equal(names[0], "socket");
    assert.equal(names.at(-1), "trial");
    assert.ok(results.every(({ findings }) => findings.length > 0));
  },
);

Deno.test(
  "diagnose() gives a fix with whatever is not well",
  GRPC,
  async () => {
    const results = await diagnose({ ...OPTIONS, trial: false }, NEVER);
    const findings = results.flatMap(({ findings }) => findings);
    const bad = findings.filter(({ verdict }) =>
      verdict === "warning" || verdict === "problem"
    );
    assert.ok(bad.length >= 3, JSON.stringify(results));
    for (const { saw, fix } of bad) assert.ok(fix && fix.length > 0, saw);
    assert.ok(!results.some(({ check }) => check === "trial"));
  },
);

Deno.test(
  "diagnoseAtStart() logs what is wrong, with its fix",
  GRPC,
  async () => {
    const log = recordedLog();
    assert.ok(!await diagnoseAtStart(OPTIONS, log, NEVER));
    const line = log.lines.find(({ check }) => check === "socket");
    assert.deepEqual(line, {
      level: "error",
      msg: "doctor: problem",
      check: "socket",
      saw: "there is no /nowhere/containerd.sock",
      fix: ["systemctl start containerd"],
    });
  },
);

Deno.test("diagnoseAtStart() blames no node for its peers", GRPC, async () => {
  const log = recordedLog();
  await diagnoseAtStart(OPTIONS, log, NEVER);
  const line = log.lines.find(({ check }) => check === "peers");
  assert.equal(line?.level, "warn");
});

Deno.test("diagnoseAtStart() says nothing when it is ended", GRPC, async () => {
  const log = recordedLog();
  assert.ok(await diagnoseAtStart(OPTIONS, log, AbortSignal.abort()));
  assert.deepEqual(log.lines, []);
});
