/** Nodes that know the deployment's secret, and one that knows another. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { accessLines, awaitPeers, digestsOf, onLab } from "./evidence.ts";
import {
  assertOutcome,
  FLIGHT_FLAGS,
  fresh,
  ONE_COPY,
  pulledBy,
} from "./flying.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";

/** Gives nodes a file with their secret, and starts Peili on them. */
async function startWith(nodes: readonly Node[], secret: string) {
  await Promise.all(nodes.map(async (node) => {
    const folder = join(node.path, "peili");
    const secretFile = join(folder, "secret");
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(secretFile, `${secret}\n`);
    await node.startPeili({ ...FLIGHT_FLAGS, secretFile });
    await node.peiliReady();
  }));
}

function membersOf({ nodes }: Lab): readonly Node[] {
  return nodes.slice(0, 3);
}

async function fliesTogether(lab: Lab): Promise<void> {
  const image = await fresh(lab, "b100x4");
  const nodes = membersOf(lab);
  await assertOutcome(await pulledBy(lab, nodes, image), {
    what: "a cold start with a secret",
    nodes,
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** The same layers as nobody else's: a pull by some, then by the others. */
async function pullsApart(
  lab: Lab,
  first: readonly Node[],
  second: readonly Node[],
): Promise<void> {
  const image = await fresh(lab, "b100x1");
  for (const nodes of [first, second]) {
    const outcome = await pulledBy(lab, nodes, image);
    await assertOutcome(outcome, {
      what: `${nodes.length} of a deployment`,
      nodes,
      images: [image.info],
      atMost: ONE_COPY,
    });
    // It came from the registry, all of it: the others' copy is not theirs.
    assert.ok(outcome.copies > 0.99, `${outcome.copies} copies`);
  }
  const [stranger] = first.length === 1 ? first : second;
  for (const node of lab.nodes) {
    for (const digest of digestsOf(image.info)) {
      const lines = await accessLines(node, digest);
      const between = lines.filter(({ listener, ip }) =>
        listener === "peer" && (node === stranger) !== (ip === stranger?.ip)
      );
      const statuses = between.map(({ status }) => status);
      assert.deepEqual([...new Set(statuses)].filter((s) => s !== 401), []);
    }
  }
}

async function refusesCurl(lab: Lab): Promise<void> {
  const { upstream } = lab;
  for (const node of lab.nodes) {
    const url = `http://${node.peerAddress}`;
    for (const path of ["/v2/", "/peili/v1/peer", "/peili/v1/flights", "/"]) {
      const statuses = [
        await upstream.httpStatus(url + path),
        await upstream.httpStatus(url + path, "--user", "peili:peili"),
        await upstream.httpStatus(url + path, "--data", "[]"),
      ];
      assert.deepEqual(statuses, [401, 401, 401], path);
    }
    const answer = ["curl", "-sS", "-D", "-", `${url}/v2/`];
    assert.doesNotMatch(await upstream.exec(answer), /www-authenticate/i);
  }
}

async function tellsBoth(lab: Lab): Promise<void> {
  for (const node of lab.nodes) {
    const lines = await node.peiliLogs();
    const said = lines.filter(({ level }) => level === "warn")
      .map(({ msg }) => msg);
    assert.ok(said.includes("stranger refused"), `${node.name}: ${said}`);
    assert.ok(said.includes("peer refuses this node"), `${node.name}: ${said}`);
  }
}

Deno.test("a deployment keeps to itself by its secret", async (t) => {
  await using lab = await Lab.up({ nodes: 4 });
  const members = membersOf(lab);
  const stranger = lab.node(4);
  await startWith(members, "the deployment's secret");
  await startWith([stranger], "a stranger's secret");
  await awaitPeers(lab, members);
  const steps: Record<string, (lab: Lab) => Promise<void>> = {
    "members fly as one": fliesTogether,
    "a stranger gets nothing": (lab) => pullsApart(lab, members, [stranger]),
    "a stranger gives nothing": (lab) => pullsApart(lab, [stranger], members),
    "curl gets nothing": refusesCurl,
    "each says so": tellsBoth,
  };
  for (const entry of Object.entries(steps)) await onLab(t, lab, entry);
});
