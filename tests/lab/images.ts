/** Images ready to be pushed: their layout folders, digests and sizes. @module */
import { join } from "node:path/posix";
import { cached } from "./cache.ts";
import {
  type ImageName,
  IMAGES,
  type ImageSpec,
  reseeded,
} from "./image_catalogue.ts";
import { type Descriptor, MEDIA_TYPES, writeLayout } from "./oci_layout.ts";

/** One image of one platform. */
export interface ManifestInfo extends Descriptor {
  config: Descriptor;
  layers: Descriptor[];
}

/** What is known about an image before anybody pulls it. */
export interface ImageInfo extends Descriptor {
  /** Its OCI image layout folder. */
  layout: string;
  /** "lab/small:v1", without the registry. */
  repository: string;
  tag: string;
  /** What a node of this lab pulls: the image itself, or amd64 of an index. */
  config: Descriptor;
  layers: Descriptor[];
  /** Every manifest: one, or those of an index. */
  manifests: ManifestInfo[];
  /** What one pull moves: manifests, config and layers. */
  totalBytes: number;
}

/** Raised when the bytes that the seeds stand for change. */
const FORMAT = 1;

/** Where a blob is in a layout folder. */
export function blobPath(layout: string, digest: string): string {
  return join(layout, "blobs", digest.replace(":", "/"));
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(path));
}

async function readManifest(
  layout: string,
  { mediaType, digest, size }: Descriptor,
): Promise<ManifestInfo> {
  const { config, layers } = await readJson<ManifestInfo>(
    blobPath(layout, digest),
  );
  return { mediaType, digest, size, config, layers };
}

/**
 * Gives an image of the catalogue, made the first time it is asked for.
 *
 * @param seed Gives the same image with other bytes.
 */
export async function imageInfo(
  name: ImageName,
  seed?: string,
): Promise<ImageInfo> {
  const base: ImageSpec = IMAGES[name];
  const fullName = seed === undefined ? name : `${name}-${seed}`;
  const spec = seed === undefined ? base : reseeded(base, seed);
  const layout = await cached(
    `images-${FORMAT}/${fullName}`,
    (draft) => writeLayout(draft, spec),
  );
  type Index = { manifests: [Descriptor, ...Descriptor[]] };
  const { manifests: [root] } = await readJson<Index>(
    join(layout, "index.json"),
  );
  const { mediaType, digest, size } = root;
  const isIndex = mediaType === MEDIA_TYPES.index;
  const parts = isIndex
    ? (await readJson<Index>(blobPath(layout, digest))).manifests
    : [root];
  const manifests = await Promise.all(
    parts.map((part) => readManifest(layout, part)),
  );
  const [pulled] = manifests;
  if (!pulled) throw new Error(`Cannot read ${layout}: no manifest`);
  const { config, layers } = pulled;
  const moved = [...(isIndex ? [root] : []), pulled, config, ...layers];
  return {
    mediaType,
    digest,
    size,
    layout,
    repository: `lab/${fullName}`,
    tag: "v1",
    config,
    layers,
    manifests,
    totalBytes: moved.reduce((total, part) => total + part.size, 0),
  };
}
