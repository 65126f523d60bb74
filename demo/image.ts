/**
 * The image of the demo: made of random bytes, or somebody's own.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path/posix";
import { blobPath } from "../src/layout/folder.ts";
import { readIndex } from "../src/layout/index_file.ts";
import { namesOf } from "../src/layout/names.ts";
import { layoutWriter } from "../src/layout/writer.ts";
import type { Descriptor } from "../src/oci/descriptor.ts";
import { type Digest, digestOf } from "../src/oci/digest.ts";
import { MANIFEST_MAX_BYTES, OCI_MANIFEST } from "../src/oci/media_type.ts";
import { readImageNode } from "../src/pull/image_graph.ts";
import {
  choosePlatform,
  ownPlatform,
  parsePlatform,
} from "../src/pull/platform.ts";
import type { DemoOptions } from "./options.ts";

/** An image in a layout. */
export interface DemoImage {
  /** The layout's folder. */
  readonly path: string;
  /** Its manifest or index. */
  readonly root: Descriptor;
  /** What one pull of it moves, in bytes. */
  readonly bytes: number;
}

/** As many as an image of that size often has; three are pulled at a time. */
const LAYERS = 4;

/** What `crypto.getRandomValues` gives at most. */
const RANDOM_BYTES = 65_536;

const TAR_BLOCK = 512;

/**
 * Makes the image, or finds the one that is given.
 *
 * @param folder Where it may be made
 * @param options Its size, or where it is
 * @param signal Ends the making
 * @returns The image
 * @throws {Error} If the one that is given is not there
 */
export async function demoImage(
  folder: string,
  { image, imageBytes }: Pick<DemoOptions, "image" | "imageBytes">,
  signal: AbortSignal,
): Promise<DemoImage> {
  const path = image?.path ?? folder;
  const root = image
    ? await findRoot(image.path, image.ref)
    : await writeImage(folder, imageBytes, signal);
  return { path, root, bytes: await bytesOf(path, root) };
}

/** What is pulled of it: its own size and that of what it refers to. */
async function bytesOf(path: string, descriptor: Descriptor): Promise<number> {
  const { digest, size } = descriptor;
  if (size > MANIFEST_MAX_BYTES) throw new Error("its manifest is too large");
  const node = readImageNode(await Deno.readFile(blobPath(path, digest)));
  const own = parsePlatform(ownPlatform()) ?? "all";
  const parts = node.kind === "index"
    ? await Promise.all(
      choosePlatform(node.manifests, own).map((one) => bytesOf(path, one)),
    )
    : node.blobs.map((blob) => blob.size);
  return parts.reduce((sum, part) => sum + part, size);
}

/** The entry of index.json with a name; the only one, when none is named. */
async function findRoot(path: string, ref: string): Promise<Descriptor> {
  const index = await readIndex(path);
  if (!index) {
    throw new Error(`Cannot find an image in ${path}: it has no index.json`);
  }
  const entries = index.manifests;
  const named = entries.filter((entry) =>
    ref === "" || namesOf(entry).includes(ref)
  );
  const [entry, another] = named as Descriptor[];
  if (entry && !another) {
    const { mediaType, digest, size } = entry;
    return { mediaType, digest, size };
  }
  const wanted = ref === "" ? "exactly one image" : `one image ${ref}`;
  const names = entries.flatMap(namesOf).join(", ") || "none";
  throw new Error(`Cannot find ${wanted} in ${path}; its names: ${names}`);
}

async function writeImage(
  folder: string,
  bytes: number,
  signal: AbortSignal,
): Promise<Descriptor> {
  await Deno.mkdir(join(folder, "blobs/sha256"), { recursive: true });
  const layers: Descriptor[] = [];
  while (layers.length < LAYERS) {
    const size = Math.floor(bytes / LAYERS);
    layers.push(await writeLayer(folder, `${layers.length}.bin`, size, signal));
  }
  const [os, architecture] = ownPlatform().split("/");
  const config = await writeJson(
    folder,
    "application/vnd.oci.image.config.v1+json",
    {
      os,
      architecture,
      config: {},
      // A layer that is not compressed is its own diff.
      rootfs: {
        type: "layers",
        ["diff_ids"]: layers.map(({ digest }) => digest),
      },
    },
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers,
  };
  const root = await writeJson(folder, OCI_MANIFEST, manifest);
  const untagged = null;
  await layoutWriter(folder).tag(untagged, root);
  return root;
}

async function writeJson(
  folder: string,
  mediaType: string,
  value: object,
): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const digest = digestOf(bytes);
  await Deno.writeFile(blobPath(folder, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** A layer of one file that does not compress. */
async function writeLayer(
  folder: string,
  name: string,
  size: number,
  signal: AbortSignal,
): Promise<Descriptor> {
  const unfinished = join(folder, name);
  const hash = createHash("sha256");
  let length = 0;
  using file = await Deno.open(unfinished, { write: true, create: true });
  const write = async (bytes: Uint8Array) => {
    hash.update(bytes);
    length += bytes.length;
    for (let at = 0; at < bytes.length;) {
      at += await file.write(bytes.subarray(at));
    }
  };
  await write(tarHeader(name, size));
  const chunk = new Uint8Array(RANDOM_BYTES);
  for (let left = size; left > 0; left -= chunk.length) {
    signal.throwIfAborted();
    await write(crypto.getRandomValues(chunk).subarray(0, left));
  }
  // Up to a whole block, and the two empty ones that end an archive.
  await write(new Uint8Array((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK));
  await write(new Uint8Array(2 * TAR_BLOCK));
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  await Deno.rename(unfinished, blobPath(folder, digest));
  return {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest,
    size: length,
  };
}

/** The head of a file in an archive (POSIX, ustar): mode 0644, owner 0, time 0. */
function tarHeader(name: string, size: number): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK);
  const octal = (value: number, digits: number) =>
    `${value.toString(8).padStart(digits, "0")}\0`;
  const fields: [at: number, text: string][] = [
    [0, name],
    [100, octal(0o644, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(size, 11)],
    [136, octal(0, 11)],
    [148, " ".repeat(8)], // The checksum, as blanks while it is made.
    [156, "0"],
    [257, "ustar\x0000"],
  ];
  const encoder = new TextEncoder();
  for (const [at, text] of fields) block.set(encoder.encode(text), at);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encoder.encode(`${octal(sum, 6)} `), 148);
  return block;
}
