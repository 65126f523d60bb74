/** What `configure` and `restore` do to the pulls of real containerds. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { exists } from "./cache.ts";
import { changeHosts, NODE_PORT } from "./configure.ts";
import {
  accessLines,
  assertHolds,
  awaitLine,
  onLab,
  startPeilis,
  withoutUpstream,
} from "./evidence.ts";
import { fresh } from "./flying.ts";
import { versionsHere } from "./here.ts";
import { hostsWithoutMirror } from "./hosts.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { startTlsRegistry, type TlsRegistry } from "./tls_registry.ts";

/** As in Kubernetes: at the node's own address, not at loopback. */
const FLAGS = { mirrorAddr: `:${NODE_PORT}` };

/** Every file below a folder. */
async function filesOf(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (!isDirectory) found[name] = await Deno.readTextFile(join(path, name));
    else {
      for (
        const [below, text] of Object.entries(await filesOf(join(path, name)))
      ) {
        found[join(name, below)] = text;
      }
    }
  }
  return found;
}

/** A node's own containerd asks its Peili, which has the content or leads. */
async function asksPeili(node: Node, digest: string): Promise<void> {
  await awaitLine(
    node,
    digest,
    ({ listener, ip }) => listener === "mirror" && ip.endsWith(node.ip),
  );
}

async function goesThrough(lab: Lab): Promise<void> {
  const before = new Map<Node, Record<string, string>>();
  for (const node of lab.nodes) {
    // Tables in a table, as some write it: ours come before it.
    await node.writeHosts(`[host]\n${hostsWithoutMirror(lab.upstream.url)}`);
    before.set(node, await filesOf(node.containerd.hostsPath));
    await changeHosts(node, "configure");
  }
  const shared = await fresh(lab, "small");
  const [first, ...others] = lab.nodes;
  await first?.pull(shared.name);
  await withoutUpstream(lab, async () => {
    for (const node of others) {
      await node.pull(shared.name);
      await assertHolds(node, shared.info);
      await asksPeili(node, shared.info.layers[0]?.digest ?? "");
    }
  });
  for (const node of lab.nodes) {
    await changeHosts(node, "restore");
    const { hostsPath } = node.containerd;
    assert.deepEqual(await filesOf(hostsPath), before.get(node));
    const past = await fresh(lab, "pause");
    await node.pull(past.name);
    const digest = past.info.layers[0]?.digest ?? "";
    assert.deepEqual(await accessLines(node, digest), []);
  }
}

/** What was asked for after a redirect from a node's own Peili. */
async function redirected(
  registry: TlsRegistry,
  { ip }: Node,
  digest: string,
): Promise<number> {
  const requests = await registry.requests();
  return requests.filter((one) =>
    one.ip === ip && one.uri.includes(digest) &&
    one.referer.includes(`//${ip}:${NODE_PORT}/`)
  ).length;
}

/** Pulls what nobody has, so that the node leads; gives the largest layer. */
async function leads(
  lab: Lab,
  node: Node,
  { registry }: TlsRegistry,
): Promise<string> {
  const { info } = await fresh(lab, "small");
  const [layer] = info.layers.toSorted((a, b) => b.size - a.size);
  await node.pull(`${registry}/${info.repository}:${info.tag}`);
  await assertHolds(node, info);
  return layer?.digest ?? "";
}

async function redirects(
  lab: Lab,
  { port, clients }: { port: number; clients: boolean },
): Promise<void> {
  const registry = await startTlsRegistry(lab, { port, clients });
  const settings = 'ca = "ca.pem"\n' +
    (clients ? 'client = [["client.pem", "client.key"]]\n' : "");
  for (const node of lab.nodes) {
    // By hand, as it is in the documents of others: the redirect fails there.
    const toml = `server = "https://${registry.registry}"\n${settings}`;
    const mirror = `[host."http://${node.ip}:${NODE_PORT}"]\n`;
    await node.writeHosts(toml + mirror, registry.registry);
    const folder = join(node.containerd.hostsPath, registry.registry);
    for (const [name, path] of Object.entries(registry.pem)) {
      await Deno.copyFile(path, join(folder, name));
    }
    const without = await leads(lab, node, registry);
    await asksPeili(node, without);
    assert.equal(await redirected(registry, node, without), 0);

    await changeHosts(node, "configure");
    const withTls = await leads(lab, node, registry);
    assert.ok(await redirected(registry, node, withTls) > 0, node.name);
  }
}

Deno.test("configure makes every containerd ask Peili first", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: containerd.length, containerd });
  await startPeilis(lab, FLAGS);
  await onLab(t, lab, [
    "a pull goes through the mirror, and past it after restore",
    goesThrough,
  ]);
  await onLab(t, lab, [
    "a lead's redirect reaches a registry with a CA of its own",
    (lab) => redirects(lab, { port: 5443, clients: false }),
  ]);
  await onLab(t, lab, [
    "a lead's redirect reaches a registry that wants client certificates",
    (lab) => redirects(lab, { port: 5444, clients: true }),
  ]);
});

/** containerd's own configuration, with what it imports. */
async function configOf({ path }: Node): Promise<unknown> {
  const imports = join(path, "conf.d");
  return {
    config: await Deno.readTextFile(join(path, "config.toml")),
    imports: await exists(imports) ? await filesOf(imports) : {},
  };
}

/** No hosts.toml is read until containerd's own configuration says so. */
async function readsHosts(lab: Lab): Promise<void> {
  for (const node of lab.nodes) {
    await node.writeHosts(hostsWithoutMirror(lab.upstream.url));
    await changeHosts(node, "configure");
    const { name, info } = await fresh(lab, "pause");
    await assert.rejects(node.pull(name), "its registry speaks http");
    const config = join(node.path, "config.toml");
    const option = ["--containerd-config", config];
    const access = [node.path];
    const before = await configOf(node);
    const diff = await changeHosts(node, "configure", { args: option, access });
    assert.match(diff, /^\+.*config_path = /m);
    const args = [...option, "--apply"];
    await changeHosts(node, "configure", { args, access });
    await node.containerd.restart();
    await node.pull(name);
    await asksPeili(node, info.layers[0]?.digest ?? "");
    await changeHosts(node, "restore", { args, access });
    assert.deepEqual(await configOf(node), before);
  }
}

Deno.test("configure --containerd-config --apply makes containerd read hosts.toml", async (t) => {
  const containerd = await versionsHere();
  for (const hostsSetting of ["unset", "list", "imports"] as const) {
    // Before 2.1 a list is read folder by folder.
    const versions = containerd.filter((version) =>
      hostsSetting === "unset" || version.startsWith("2")
    );
    if (versions.length === 0) continue;
    await using lab = await Lab.up({
      nodes: versions.length,
      containerd: versions,
      settings: { hostsSetting },
    });
    await startPeilis(lab, FLAGS);
    await onLab(t, lab, [`config_path is ${hostsSetting}`, readsHosts]);
  }
});
