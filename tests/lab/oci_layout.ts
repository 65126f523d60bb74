/**
 * Writes synthetic images as OCI image layouts (image-spec v1.1): the same
 * seed gives the same digests on every machine.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path/posix";
import { gzipSync } from "node:zlib";
import type { ImageSpec, LayerSpec } from "./image_catalogue.ts";
import { tarOf } from "./tar.ts";

/** What a manifest says about one of its parts. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** Media types of image-spec v1.1. */
export const MEDIA_TYPES: Readonly<
  Record<"manifest" | "index" | "config" | "layer" | "empty", string>
> = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  empty: "application/vnd.oci.empty.v1+json",
};

const MIB_BYTES = 1 << 20;
const CREATED = "2020-01-01T00:00:00Z";

/** sha256:HEX of some bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Bytes that look random and depend on the seed only: AES-CTR of zeros. */
async function seededBytes(seed: string, size: number): Promise<Uint8Array> {
  const hash = createHash("sha256").update(seed).digest();
  const extractable = false;
  const key = await crypto.subtle.importKey(
    "raw",
    new Uint8Array(hash.subarray(0, 16)),
    "AES-CTR",
    extractable,
    ["encrypt"],
  );
  const counter = new Uint8Array(16);
  const algorithm = { name: "AES-CTR", counter, length: 64 };
  return new Uint8Array(
    await crypto.subtle.encrypt(algorithm, key, new Uint8Array(size)),
  );
}

/** Writes the parts of one image into one layout folder. */
class LayoutWriter {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async blob(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = digestOf(bytes);
    const folder = join(this.#folder, "blobs/sha256");
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(join(folder, digest.slice("sha256:".length)), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  async json(mediaType: string, value: unknown): Promise<Descriptor> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    return await this.blob(mediaType, bytes);
  }

  /** Seeded bytes do not compress, so they are stored: that is quick. */
  async layer({ seed, mib }: LayerSpec): Promise<[Descriptor, string]> {
    const data = await seededBytes(seed, Math.round(mib * MIB_BYTES));
    const tar = tarOf([{ name: `data-${seed}.bin`, data }]);
    const zipped = gzipSync(tar, { level: 0 });
    return [await this.blob(MEDIA_TYPES.layer, zipped), digestOf(tar)];
  }

  async image(specs: readonly LayerSpec[], arch: string): Promise<Descriptor> {
    const layers: Descriptor[] = [];
    const diffIds: string[] = [];
    for (const spec of specs) {
      const [descriptor, diffId] = await this.layer(spec);
      layers.push(descriptor);
      diffIds.push(diffId);
    }
    const config = await this.json(MEDIA_TYPES.config, {
      created: CREATED,
      architecture: arch,
      os: "linux",
      config: { Env: ["PATH=/"] },
      rootfs: { type: "layers", ["diff_ids"]: diffIds },
      history: layers.map(() => ({ created: CREATED })),
    });
    return await this.manifest({ config, layers });
  }

  async manifest(parts: object): Promise<Descriptor> {
    const mediaType = MEDIA_TYPES.manifest;
    const manifest = { schemaVersion: 2, mediaType, ...parts };
    return await this.json(mediaType, manifest);
  }

  async artifact(text: string): Promise<Descriptor> {
    const layer = new TextEncoder().encode(text);
    return await this.manifest({
      artifactType: "application/vnd.peili.lab.v1",
      config: await this.json(MEDIA_TYPES.empty, {}),
      layers: [await this.blob("application/json", layer)],
    });
  }
}

/** Writes the parts and gives the descriptor of what a tag points to. */
async function writeRoot(
  writer: LayoutWriter,
  spec: ImageSpec,
): Promise<Descriptor> {
  if (spec.kind === "artifact") return await writer.artifact(spec.text);
  if (spec.kind === "image") {
    return await writer.image(spec.layers, spec.arch ?? "amd64");
  }
  const manifests: object[] = [];
  for (const { arch, layers } of spec.images) {
    const platform = { architecture: arch, os: "linux" };
    manifests.push({ ...await writer.image(layers, arch), platform });
  }
  const mediaType = MEDIA_TYPES.index;
  const index = { schemaVersion: 2, mediaType, manifests };
  return await writer.json(mediaType, index);
}

/** Writes a layout of one image, tagged v1, into an empty folder. */
export async function writeLayout(
  folder: string,
  spec: ImageSpec,
): Promise<void> {
  const root = await writeRoot(new LayoutWriter(folder), spec);
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const index = { schemaVersion: 2, manifests: [{ ...root, annotations }] };
  const layout = { imageLayoutVersion: "1.0.0" };
  await Deno.writeTextFile(join(folder, "index.json"), JSON.stringify(index));
  await Deno.writeTextFile(join(folder, "oci-layout"), JSON.stringify(layout));
}
