/** Flights with nobody to fly with, with no way to the registry, with wrong bytes. @module */
import assert from "node:assert/strict";
import { accessLines, onLab, startPeilis } from "./evidence.ts";
import {
  assertOutcome,
  FLIGHT_FLAGS,
  type Fresh,
  fresh,
  ONE_COPY,
  onlyLayer,
  pulledBy,
} from "./flying.ts";
import { versionsHere } from "./here.ts";
import { MIRROR_ADDRESS } from "./hosts.ts";
import { blobPath } from "./images.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { waitFor } from "./wait.ts";

/** How long Peili may take to find out that a pull ended without content. */
const WARY_MS = 60_000;

/**
 * Copies when leads are lost or late and each of two nodes goes upstream on its
 * own: never more than without a mirror.
 */
const ALL_ALONE = 2 * ONE_COPY;

async function pullsAlone(node: Node, lab: Lab, what: string): Promise<void> {
  const image = await fresh(lab, "small");
  await assertOutcome(await pulledBy(lab, [node], image), {
    what,
    nodes: [node],
    images: [image.info],
    // Headers and acknowledgements count for more in 10 MiB.
    atMost: 1.1,
  });
}

/** A node that knows nobody, one that knows itself, one whose peers are dead. */
async function hasNobody(lab: Lab): Promise<void> {
  const [node, away, refused] = [lab.node(1), lab.node(2), lab.node(3)];
  const lists: [string, string | null][] = [
    ["an empty list", null],
    ["itself", node.peerAddress],
    [
      "dead peers",
      [node, away, refused].map(({ peerAddress }) => peerAddress).join(),
    ],
  ];
  await away.cut();
  for (const [what, staticPeers] of lists) {
    await node.startPeili({ ...FLIGHT_FLAGS, staticPeers });
    await node.peiliReady();
    await pullsAlone(node, lab, `a node with ${what}`);
    await pullsAlone(node, lab, `a node with ${what}, again`);
    await node.stopPeili();
  }
  await away.heal();
}

/** hosts.toml without `server`, as for a registry over http: its own entry counts. */
async function redirectsToEntry(lab: Lab): Promise<void> {
  await pullsWith(lab, "", "no server in hosts.toml", ONE_COPY);
}

/** The redirect goes where nobody speaks TLS: containerd takes the next host. */
async function redirectsInVain(lab: Lab): Promise<void> {
  const server = `server = "https://${lab.upstream.registry}"\n`;
  await pullsWith(lab, server, "a redirect that fails", ALL_ALONE);
}

/**
 * A `server` that is no place: leads are 404. containerd since 2.1 then queues
 * for a slot, which the node's own waits for others have.
 */
async function cannotRedirect(lab: Lab): Promise<void> {
  const image = await pullsWith(
    lab,
    'server = "http://"\n',
    "a lead by 404",
    ALL_ALONE,
  );
  const lines = await Promise.all(
    lab.nodes.map((node) => accessLines(node, image.info.repository)),
  );
  const redirects = lines.flat().filter(({ status }) => status === 307);
  assert.deepEqual(redirects, []);
}

async function pullsWith(
  lab: Lab,
  server: string,
  what: string,
  atMost: number,
): Promise<Fresh> {
  const { registry, url } = lab.upstream;
  const { nodes } = lab;
  const hosts = [`http://${MIRROR_ADDRESS}`, url].map((host) =>
    `[host."${host}"]\n  capabilities = ["pull", "resolve"]\n`
  );
  for (const node of nodes) {
    await node.writeHosts([server, ...hosts].join("\n"), registry);
  }
  const image = await fresh(lab, "many");
  await assertOutcome(await pulledBy(lab, nodes, image), {
    what,
    nodes,
    images: [image.info],
    atMost,
  });
  return image;
}

/** Changes one byte of a blob on a node's disk. */
async function alter(node: Node, digest: string): Promise<void> {
  const path = blobPath(node.containerd.contentPath, digest);
  const bytes = await Deno.readFile(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await Deno.chmod(path, 0o644);
  await Deno.writeFile(path, bytes);
}

async function heldCorrupt(
  lab: Lab,
  digestOf: (image: Fresh) => string,
): Promise<Fresh> {
  const image = await fresh(lab, "b100x1");
  await lab.node(1).pull(image.name);
  await alter(lab.node(1), digestOf(image));
  return image;
}

/** What can be checked before its first byte is: nobody notices. */
async function mendsSmall(lab: Lab): Promise<void> {
  const image = await heldCorrupt(lab, ({ info }) => info.config.digest);
  const node = lab.node(2);
  await assertOutcome(await pulledBy(lab, [node], image), {
    what: "a corrupt config",
    nodes: [node],
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** What cannot be checked fails one pull, as containerd finds out at its end. */
async function mendsLarge(lab: Lab): Promise<void> {
  const image = await heldCorrupt(lab, ({ info }) => onlyLayer(info).digest);
  const node = lab.node(2);
  const first = await pulledBy(lab, [node], image);
  assert.ok(first.failed.has(node), "containerd took wrong bytes");
  await becomesWary(node, onlyLayer(image.info).digest);
  await assertOutcome(await pulledBy(lab, [node], image), {
    what: "a corrupt layer, for the second time",
    nodes: [node],
    images: [image.info],
    atMost: ONE_COPY,
  });
}

/** Waits until Peili has found out; kubelet waits 10 s before it tries again. */
async function becomesWary(node: Node, digest: string): Promise<void> {
  await waitFor("Peili to know of the corruption", async () => {
    const lines = await node.peiliLogs();
    return lines.some((line) =>
      line.digest === digest && String(line.msg).includes("corrupt")
    );
  }, { budgetMs: WARY_MS, log: node.peiliLog });
}

Deno.test("flights fail nobody who is alone or misled", async (t) => {
  const containerd = (await versionsHere()).toReversed();
  await using lab = await Lab.up({ nodes: 3, containerd });
  await onLab(t, lab, ["a node with nobody to fly with", hasNobody]);
  await startPeilis(lab, FLIGHT_FLAGS);
  await onLab(t, lab, ["a holder's config is corrupt", mendsSmall]);
  await onLab(t, lab, ["a holder's layer is corrupt", mendsLarge]);
});

for (
  const [what, run] of [
    ["is redirected to the registry's own entry", redirectsToEntry],
    ["is redirected to where nobody answers", redirectsInVain],
    ["cannot be redirected", cannotRedirect],
  ] as const
) {
  Deno.test(`a lead that ${what} fails no pull`, async (t) => {
    const containerd = (await versionsHere()).slice(-1);
    await using lab = await Lab.up({ nodes: 2, containerd });
    await startPeilis(lab, FLIGHT_FLAGS);
    await onLab(t, lab, ["12 layers on 2 nodes", run]);
  });
}
