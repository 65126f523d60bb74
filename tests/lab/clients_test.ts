/** Other clients than containerd pull from a node: skopeo, podman and crane. @module */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import {
  awaitLine,
  onLab,
  SETTLE_MS,
  startPeilis,
  upstreamSince,
  withoutUpstream,
} from "./evidence.ts";
import type { ImageName } from "./image_catalogue.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import {
  inName,
  podmanPull,
  type PullingClient,
  pullingClients,
} from "./pulling_clients.ts";
import { MIRROR_ADDRESS } from "./hosts.ts";
import { waitFor } from "./wait.ts";

/** An image, an index of two platforms, and no container image. */
const NAMES: readonly ImageName[] = ["small", "multi", "artifact"];

/** The names that one piece has for people, with `docker.io` left out or not. */
const FAMILIAR = [
  "docker.io/library/app:v1",
  "docker.io/app:v1",
  "library/app:v1",
  "app:v1",
];

/** Waits until a node's mirror answers for a name as for a plain client's. */
async function awaitServed(node: Node, path: string): Promise<void> {
  const url = `http://${MIRROR_ADDRESS}/v2/${path}`;
  await waitFor(`${path} at ${node.name}`, async () => {
    return await node.httpStatus(url, "--head") === 200;
  }, { budgetMs: SETTLE_MS, log: node.peiliLog });
}

/** Pulls by tag and by digest: from the holder, its peers' way, and another node. */
async function pullEverywhere(
  lab: Lab,
  imageName: ImageName,
  client: PullingClient,
): Promise<void> {
  const image = await lab.imageInfo(imageName);
  const [holder, node] = [lab.node(1), lab.node(2)];
  const repository = `${inName(lab.upstream.registry)}/${image.repository}`;
  await awaitServed(node, `${repository}/manifests/${image.tag}`);
  const places = [
    { at: holder, address: holder.peerAddress },
    { at: holder, address: MIRROR_ADDRESS },
    { at: node, address: MIRROR_ADDRESS },
  ];
  for (const { at, address } of places) {
    for (const reference of [`:${image.tag}`, `@${image.digest}`]) {
      await client.pull(at, `${address}/${repository}${reference}`, image);
    }
  }
}

Deno.test("Peili serves clients that take it for a registry", async (t) => {
  const clients = await pullingClients();
  await using lab = await Lab.up({ nodes: 2 });
  await startPeilis(lab);
  for (const name of NAMES) await lab.node(1).fetchAll(await lab.image(name));
  for (const client of clients) {
    for (const name of NAMES) {
      if (!client.images.includes(name)) continue;
      await onLab(t, lab, [
        `${client.name} pulls ${name} by tag and digest, from its holder and from another node`,
        (lab) => withoutUpstream(lab, () => pullEverywhere(lab, name, client)),
      ]);
    }
  }
  await onLab(t, lab, [
    "names mean what Docker means",
    (lab) => meansWhatDockerMeans(lab, clients),
  ]);
  await onLab(t, lab, ["podman has it for a mirror", podmanMirror]);
  await onLab(t, lab, ["curl follows a pull and adds none", curlFollows]);
});

/** Slow enough for a client to come while a layer of 100 MB is on its way. */
const REGISTRY_MBIT = 200;

async function curlFollows(lab: Lab): Promise<void> {
  const [holder, node] = [lab.node(1), lab.node(2)];
  const { repository, layers: [layer] } = await lab.imageInfo("b100x1");
  assert.ok(layer);
  const name = await lab.image("b100x1");
  await lab.upstream.rate({ outMbit: REGISTRY_MBIT });
  const since = await upstreamSince(lab);
  const pulling = holder.pull(name);
  const path = `${inName(lab.upstream.registry)}/${repository}`;
  const url = `http://${MIRROR_ADDRESS}/v2/${path}/blobs/${layer.digest}`;
  await waitFor("curl to be given the layer", async () => {
    return await node.httpStatus(url) === 200;
  }, { budgetMs: SETTLE_MS, log: node.peiliLog });
  await pulling;
  await lab.upstream.rate({ outMbit: 0 });
  const line = await awaitLine(
    node,
    layer.digest,
    ({ status }) => status === 200,
  );
  assert.equal(line.flight?.role, "follow");
  const asked = (await since.requests()).filter(({ method, uri }) =>
    method === "GET" && uri.includes(layer.digest)
  );
  assert.deepEqual(asked.map(({ ip }) => ip), [holder.ip]);
}

async function meansWhatDockerMeans(
  lab: Lab,
  clients: readonly PullingClient[],
): Promise<void> {
  const [holder, node] = [lab.node(1), lab.node(2)];
  const image = await lab.imageInfo("small");
  const name = await lab.image("small");
  await holder.ctr(["images", "tag", name, "docker.io/library/app:v1"]);
  await awaitServed(node, "library/app/manifests/v1");
  await withoutUpstream(lab, async () => {
    for (const client of clients) {
      for (const familiar of FAMILIAR) {
        await client.pull(node, `${MIRROR_ADDRESS}/${familiar}`, image);
      }
    }
  });
}

/** With podman's own mirror setting the image keeps its name, and its registry. */
async function podmanMirror(lab: Lab): Promise<void> {
  const node = lab.node(2);
  const { registry } = lab.upstream;
  const conf = join(node.path, "registries.conf");
  await Deno.writeTextFile(
    conf,
    `
[[registry]]
location = "${registry}"
insecure = true

[[registry.mirror]]
location = "${MIRROR_ADDRESS}/${inName(registry)}"
insecure = true
`,
  );
  const { digest } = await lab.imageInfo("small");
  await withoutUpstream(lab, async () => {
    const { digests } = await podmanPull(node, await lab.image("small"), conf);
    assert.ok(digests.includes(digest));
  });
  // What nobody has comes from the registry.
  const pause = await lab.imageInfo("pause");
  const { digests } = await podmanPull(node, await lab.image("pause"), conf);
  assert.ok(digests.includes(pause.digest));
}
