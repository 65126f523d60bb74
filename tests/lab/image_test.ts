/** Peili's image in pods: as little as they may do, nodes pull from each other. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { groupMemory } from "./cgroup.ts";
import {
  assertHolds,
  awaitLine,
  awaitPeers,
  onLab,
  withoutUpstream,
} from "./evidence.ts";
import { assertOutcome, fresh, ONE_COPY, pulledBy } from "./flying.ts";
import { print } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import {
  type ImageArchives,
  imageArchives,
  PAUSE_IMAGE,
} from "./peili_image.ts";
import {
  doctorIn,
  HOST_PORT,
  MEMORY_BYTES,
  memoryAtStart,
  PEILI,
  restore,
  startPeiliPod,
} from "./peili_pod.ts";
import type { Pod } from "./pod.ts";

/** One of either generation; a pod needs the shim, which 2.3 has not here. */
const CONTAINERD = ["2.1", "1.7"] as const;

/** What anonymous memory leaves of the limit is for sockets and cached files. */
const ANONYMOUS_BYTES = 96 << 20;

/** Less than what a start without notes costs: 25 MiB, and 50 with libp2p. */
const NOTED_MIB = 12;

/** A node, and the pod that Peili has on it. */
interface Place {
  readonly node: Node;
  readonly pod: Pod;
}

async function startAll(
  lab: Lab,
  archives: ImageArchives,
): Promise<AsyncDisposable & { places: Place[] }> {
  await using parts = new AsyncDisposableStack();
  const peers = lab.nodes.map(({ peerAddress }) => peerAddress);
  const places = await Promise.all(lab.nodes.map(async (node) => {
    await node.importArchive(archives.pause);
    await node.importArchive(archives.peili);
    const pod = parts.use(await startPeiliPod(node, peers));
    return { node, pod };
  }));
  await awaitPeers(lab);
  const made = parts.move();
  return { places, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** What the kernel says that a container's process may do. */
async function mayDoNothing({ node, pod }: Place): Promise<void> {
  const { pid } = await pod.state(PEILI);
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim();
  for (const name of ["CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    assert.equal(field(name), "0000000000000000", name);
  }
  assert.equal(field("Uid"), "65532\t65532\t65532\t65532");
  assert.equal(field("Groups"), "0");
  assert.equal(field("NoNewPrivs"), "1");
  assert.equal(field("Seccomp"), "2", "by a filter");
  const mounts = (await Deno.readTextFile(`/proc/${pid}/mounts`)).split("\n")
    .map((line) => line.split(" "));
  const writable = mounts.filter(([, path = "", type = "", options = ""]) =>
    !options.startsWith("ro") && type !== "proc" &&
    !/^\/(?:proc|sys|dev)\b/.test(path)
  ).map(([, path = ""]) => path).filter(Boolean);
  // Root file systems and shared memory of pods, which come with the folder of
  // the socket, behind folders that only root may enter.
  const run = join(node.path, "run/");
  for (const path of writable) {
    assert.ok(path.startsWith(`${run}io.containerd.`), path);
    assert.ok(await isClosed(run, path), path);
  }
}

/** Whether a folder above a mount of the container lets in nobody but root. */
async function isClosed(run: string, mounted: string): Promise<boolean> {
  let path = run;
  for (const name of mounted.slice(run.length).split("/")) {
    const { mode } = await Deno.stat(path);
    if (((mode ?? 0) & 0o011) === 0) return true;
    path = join(path, name);
  }
  return false;
}

/** There is nothing in the image that could run another program's text. */
async function hasNoShell({ pod }: Place): Promise<void> {
  const { pid } = await pod.state(PEILI);
  const found: string[] = [];
  for (const folder of ["bin", "sbin", "usr/bin", "usr/sbin"]) {
    try {
      for await (
        const { name } of Deno.readDir(`/proc/${pid}/root/${folder}`)
      ) {
        found.push(name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  assert.deepEqual(found, ["deno"]);
}

async function pullsFromEachOther(lab: Lab): Promise<void> {
  const [first, second] = [lab.node(1), lab.node(2)];
  const { name, info } = await fresh(lab, "b100x4");
  await first.pull(name);
  await withoutUpstream(lab, () => second.pull(name).then(() => {}));
  await assertHolds(second, info);
  const { status, source } = await awaitLine(
    second,
    info.layers[0]?.digest ?? "",
    ({ listener, ip }) => listener === "mirror" && ip.endsWith(second.ip),
  );
  assert.deepEqual([status, source], [200, first.peerAddress]);
}

/** A pull that goes on is read as it grows, from files of containerd's. */
async function fliesTogether(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x4");
  await assertOutcome(await pulledBy(lab, lab.nodes, image), {
    what: "a cold start in pods",
    nodes: lab.nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** Its socket is another one then. */
async function outlivesContainerd(lab: Lab): Promise<void> {
  for (const node of lab.nodes) await node.containerd.restart();
  await pullsFromEachOther(lab);
}

async function keepsToItsMemory({ node, pod }: Place): Promise<void> {
  const { pid } = await pod.state(PEILI);
  const { limit, peak, kills } = await groupMemory(pid);
  const usage = await pod.usage(PEILI);
  assert.ok(usage);
  const mib = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
  await print(
    `${node.name}: anonymous ${mib(usage.anon)}, VmHWM ${mib(usage.hwm)}, ` +
      `group's peak ${mib(peak)} of ${mib(limit)}`,
  );
  assert.equal(limit, MEMORY_BYTES);
  assert.equal(kills, 0);
  assert.ok(usage.anon < ANONYMOUS_BYTES, mib(usage.anon));
}

/** By its own eyes: at its start, and asked to look closer. */
async function isWell({ nodes }: Lab, { node, pod }: Place): Promise<void> {
  const peers = nodes.map(({ peerAddress }) => peerAddress);
  assert.match(await doctorIn(pod, node, peers), /^ok +trial /m);
  const lines = await node.peiliLogs();
  assert.deepEqual(lines.filter(({ msg }) => msg === "doctor: problem"), []);
}

/** What the build has noted is found, on a file system that is read-only. */
async function isNoted({ node, pod }: Place): Promise<void> {
  const noted = await memoryAtStart(pod, node, { name: "noted", env: {} });
  const env = { DENO_DIR: "/none" };
  const blank = await memoryAtStart(pod, node, { name: "blank", env });
  const more = (blank - noted) / (1 << 20);
  await print(
    `${node.name}: ${more.toFixed(1)} MiB more where nothing is noted`,
  );
  assert.ok(more > NOTED_MIB);
}

/** From the start of the process to its line, by the clock of the machine. */
async function printStart({ node, pod }: Place): Promise<void> {
  const lines = await Deno.readTextFile(pod.logOf(PEILI));
  const ready = /^(\S+) .*"msg":"ready"/m.exec(lines)?.[1];
  const { startedMs } = await pod.state(PEILI);
  const ms = Math.round(Date.parse(ready ?? "") - startedMs);
  await print(`${node.name}: ready ${ms} ms after its container's start`);
}

Deno.test("Peili's image runs in a pod that may do next to nothing", async (t) => {
  await using lab = await Lab.up({
    nodes: CONTAINERD.length,
    containerd: CONTAINERD,
    settings: { sandboxImage: PAUSE_IMAGE },
  });
  const archives = await imageArchives(lab.folder);
  const hosts = join(lab.upstream.registry, "hosts.toml");
  const hostsOf = ({ containerd }: Node) =>
    Deno.readTextFile(join(containerd.hostsPath, hosts));
  const before = await Promise.all(lab.nodes.map(hostsOf));
  await using pods = await startAll(lab, archives);
  const { places } = pods;
  const each = (check: (place: Place) => Promise<void>) => async () => {
    for (const place of places) await check(place);
  };
  const steps: Record<string, (lab: Lab) => Promise<void>> = {
    "configure has written, as root and nothing else": each(async (place) => {
      const { node } = place;
      assert.match(await hostsOf(node), new RegExp(`${node.ip}:${HOST_PORT}`));
    }),
    "run is nobody, and writes nowhere": each(mayDoNothing),
    "the image has no program but deno": each(hasNoShell),
    "what Deno has noted is in the image": each(isNoted),
    "figures: start": each(printStart),
    "figures: memory, idle": each(keepsToItsMemory),
    "doctor finds nothing wrong in it": async (lab) => {
      for (const place of places) await isWell(lab, place);
    },
    "a node pulls from another, with no registry": pullsFromEachOther,
    "nodes that pull at once cost the registry one copy": fliesTogether,
    "containerd starts anew, with a socket of its own": outlivesContainerd,
    "memory stays below its limit": each(keepsToItsMemory),
    "it ends in order, and restore takes out its lines": async () => {
      for (const { node, pod } of places) {
        assert.equal(await pod.stop(PEILI), 0);
        await restore(pod, node);
      }
      assert.deepEqual(await Promise.all(lab.nodes.map(hostsOf)), before);
    },
  };
  for (const [name, run] of Object.entries(steps)) {
    await onLab(t, lab, [name, run]);
  }
});
