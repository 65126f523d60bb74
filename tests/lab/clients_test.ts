/** Other clients than containerd pull from a node: skopeo and crane. @module */
import { join } from "node:path/posix";
import {
  allDigestsOf,
  assertBlobs,
  onLab,
  startPeilis,
  withoutUpstream,
} from "./evidence.ts";
import { craneHere } from "./here.ts";
import type { ImageName } from "./image_catalogue.ts";
import type { ImageInfo } from "./images.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";

/** Copies an image by its full name into a folder with an OCI layout. */
type Copy = (node: Node, name: string, folder: string) => Promise<unknown>;

const copyBySkopeo: Copy = (node, name, folder) =>
  node.exec([
    ...["skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests"],
    ...["--src-tls-verify=false", `docker://${name}`, `oci:${folder}`],
  ]);

function copyByCrane(crane: string): Copy {
  return (node, name, folder) =>
    node.exec([crane, "pull", "--insecure", "--format=oci", name, folder]);
}

/** Names of images without a platform of their own: an index, an artifact. */
const NAMES: readonly ImageName[] = ["multi", "artifact"];

/** Copies from the holder's peer listener, and from another node's mirror. */
async function copyFromBoth(
  lab: Lab,
  image: ImageInfo,
  [client, copy]: [string, Copy],
): Promise<void> {
  const [holder, node] = [lab.node(1), lab.node(2)];
  const addresses = [holder.peerAddress, "127.0.0.1:30020"];
  for (const [i, address] of addresses.entries()) {
    const name = `${address}/${image.repository}@${image.digest}`;
    const of = image.repository.replaceAll("/", "-");
    const folder = join(lab.folder.path, `${client}-${of}-${i}`);
    await copy(node, name, folder);
    await assertBlobs(folder, allDigestsOf(image));
  }
}

Deno.test("Peili serves skopeo and crane", async (t) => {
  const crane = await craneHere();
  const clients: [string, Copy][] = [
    ["skopeo", copyBySkopeo],
    ...(crane ? [["crane", copyByCrane(crane)] as [string, Copy]] : []),
  ];
  await using lab = await Lab.up({ nodes: 2 });
  await startPeilis(lab);
  for (const name of NAMES) await lab.node(1).fetchAll(await lab.image(name));
  for (const client of clients) {
    for (const name of NAMES) {
      await onLab(t, lab, [
        `${client[0]} copies ${name} from a peer and from a mirror`,
        (lab) =>
          withoutUpstream(lab, async () => {
            await copyFromBoth(lab, await lab.imageInfo(name), client);
          }),
      ]);
    }
  }
});
