/**
 * Clients that take a mirror for a registry like any other: skopeo, crane,
 * podman. They send no `ns`, so the name holds the registry.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { allDigestsOf, assertBlobs } from "./evidence.ts";
import { craneHere } from "./here.ts";
import type { ImageName } from "./image_catalogue.ts";
import type { ImageInfo } from "./images.ts";
import type { Node } from "./node.ts";

/** One client. */
export interface PullingClient {
  readonly name: string;
  /** What it can pull: podman takes no artifacts. */
  readonly images: readonly ImageName[];
  /** Pulls by a name, on a node, and checks that all came: its own digests too. */
  pull(node: Node, name: string, image: ImageInfo): Promise<void>;
}

/** The clients that this machine has; says which one it has not. */
export async function pullingClients(): Promise<PullingClient[]> {
  const crane = await craneHere();
  return [skopeo(), podman(), ...(crane ? [craneAt(crane)] : [])];
}

/**
 * A registry as the first part of a name: clients refuse a colon there.
 *
 * @param registry `10.99.0.2:5000`
 */
export function inName(registry: string): string {
  return registry.replace(":", "_");
}

const EVERYTHING: readonly ImageName[] = ["small", "multi", "artifact"];

function skopeo(): PullingClient {
  return {
    name: "skopeo",
    images: EVERYTHING,
    pull: (node, name, image) =>
      intoFolder(node, image, (folder) => [
        ...["skopeo", "--insecure-policy", "copy", "--quiet", "--all"],
        ...["--preserve-digests", "--src-tls-verify=false"],
        ...[`docker://${name}`, `oci:${folder}`],
      ]),
  };
}

function craneAt(path: string): PullingClient {
  return {
    name: "crane",
    images: EVERYTHING,
    pull: (node, name, image) =>
      intoFolder(node, image, (folder) => [
        ...[path, "pull", "--insecure", "--format=oci", name, folder],
      ]),
  };
}

/** Runs a client that writes an OCI layout, and checks every byte of it. */
async function intoFolder(
  node: Node,
  image: ImageInfo,
  argv: (folder: string) => string[],
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: node.path, prefix: "copy-" });
  await node.exec(argv(folder));
  await assertBlobs(folder, allDigestsOf(image));
}

function podman(): PullingClient {
  return {
    name: "podman",
    images: ["small", "multi"],
    async pull(node, name, image) {
      const { digests } = await podmanPull(node, name);
      assert.ok(digests.includes(image.digest), `${name}: ${digests}`);
    },
  };
}

/** Numbers their folders. */
let podmen = 0;

/**
 * Pulls with a podman that has nothing yet. It checks each digest itself, and
 * unpacks.
 *
 * @param registriesConf Path of another registries.conf than the machine's
 * @returns The digests that it knows the image by
 */
export async function podmanPull(
  node: Node,
  name: string,
  registriesConf?: string,
): Promise<{ digests: string }> {
  // podman wants its folder's path to be at most 50 characters long.
  const folder = join(node.path, `pod${podmen++}`);
  const environment = registriesConf === undefined
    ? []
    : ["env", `CONTAINERS_REGISTRIES_CONF=${registriesConf}`];
  const podman = (...args: string[]) =>
    node.exec([
      ...[...environment, "podman", "--root", join(folder, "root")],
      ...["--runroot", join(folder, "run"), "--tmpdir", join(folder, "tmp")],
      ...["--storage-driver", "vfs", "--events-backend", "none"],
      ...["--cgroup-manager", "cgroupfs", ...args],
    ]);
  const insecure = registriesConf === undefined ? ["--tls-verify=false"] : [];
  await podman("pull", "--quiet", ...insecure, name);
  const format = "{{.Digest}} {{.RepoDigests}}";
  return {
    digests: await podman("image", "inspect", "--format", format, name),
  };
}
