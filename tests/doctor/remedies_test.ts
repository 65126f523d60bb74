/** The fixes that several checks give. @module */

import assert from "node:assert/strict";
import type { Facts } from "../../src/doctor/facts.ts";
import { fixLines } from "../../src/doctor/fix.ts";
import {
  configureContainerd,
  configureHosts,
  setInContainerd,
  tellPeili,
} from "../../src/doctor/remedies.ts";
import { FLAVOURS } from "../../src/hosts/flavours.ts";
import { fakeNode, peiliAnswers } from "./fake_node.ts";

/** The facts of a node of this flavour. */
function flavoured(facts: Facts, name: string): Facts {
  const flavour = FLAVOURS.find((one) => one.name === name);
  assert.ok(flavour);
  return { ...facts, flavour: () => Promise.resolve(flavour) };
}

Deno.test("configureHosts() repeats only what is not usual", async () => {
  await using node = await fakeNode();
  const facts = node.facts();
  const options = {
    ...facts.options,
    containerdRegistryConfigPath: "/etc/containerd/certs.d",
  };
  assert.deepEqual(fixLines(await configureHosts({ ...facts, options })), [
    "peili configure --mirror-targets=http://10.0.0.1:30020",
  ]);
});

Deno.test("configureHosts() keeps the deployment, loopback and tags", async () => {
  await using node = await fakeNode();
  await node.folder.write(
    "certs.d/_default/hosts.toml",
    `# peili: begin {"made":"folder"}
# peili: deployment mirror-2 {"urls":["http://127.0.0.1:30020"]}
[host."http://127.0.0.1:30020"]
# peili: end
`,
  );
  node.options.resolveTags = false;
  node.web.set("127.0.0.1:30020/livez", peiliAnswers);
  const [line = ""] = fixLines(await configureHosts(node.facts()));
  assert.equal(
    line.replaceAll(node.folder.path, "PATH"),
    "peili configure --mirror-targets=http://127.0.0.1:30020 --loopback" +
      " --containerd-registry-config-path=PATH/certs.d --deployment=mirror-2" +
      " --resolve-tags=false",
  );
});

Deno.test.each([
  { name: "kubeadm", last: "systemctl restart containerd", edits: true },
  {
    name: "EKS",
    last: /^# for nodes to come, on EKS: set .*NodeConfig/,
    edits: true,
  },
  {
    name: "k3s",
    last: "systemctl restart k3s || systemctl restart k3s-agent",
    edits: false,
  },
  {
    name: "RKE2",
    last: "systemctl restart rke2-server || systemctl restart rke2-agent",
    edits: false,
  },
  { name: "Talos", last: "reboot", edits: false },
])("configureContainerd() knows what lasts on $name", async (row) => {
  await using node = await fakeNode();
  const facts = flavoured(node.facts(), row.name);
  const lines = fixLines(await configureContainerd(facts));
  const last = lines.at(-1) ?? "";
  if (typeof row.last === "string") assert.equal(last, row.last);
  else assert.match(last, row.last);
  const edits = lines.some((line) => line.startsWith("peili configure"));
  assert.equal(edits, row.edits);
  if (!row.edits) {
    assert.match(lines[0] ?? "", /^# .*: set config_path = ".*certs.d" by /);
  }
});

Deno.test("setInContainerd() changes one key of one file", async () => {
  await using node = await fakeNode();
  const { folder } = node;
  await folder.write(
    "x.toml",
    "other = true\n  key   = true # why\nkeys = true\n",
  );
  const file = `${folder.path}/x.toml`;
  const fix = await setInContainerd(node.facts(), file, ["key", "false"]);
  const [command = ""] = fixLines(fix);
  const { code } = await new Deno.Command("sh", { args: ["-c", command] })
    .output();
  assert.equal(code, 0);
  assert.equal(
    await folder.read("x.toml"),
    "other = true\n  key   = false\nkeys = true\n",
  );
});

Deno.test("tellPeili() gives what containerd says of itself", async () => {
  await using node = await fakeNode();
  node.options.containerdContentPath = "/elsewhere";
  const lines = fixLines(await tellPeili(node.facts()));
  assert.ok(
    lines.some((line) =>
      line.includes(`--containerd-content-path=${node.folder.path}/content`)
    ),
  );
});
