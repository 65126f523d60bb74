/**
 * The image of a trial: as small as an image can be, and like no other.
 *
 * @module
 */

import type { OwnContent } from "../containerd/own_image.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { OCI_MANIFEST } from "../oci/media_type.ts";

/** An image, as it is made and as it is asked for. */
export interface TrialImage {
  /** `registry/repository:tag`. */
  readonly name: string;
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** Config, layer, manifest. */
  readonly contents: readonly OwnContent[];
  /** Of the manifest. */
  readonly digest: Digest;
}

/** The repository of all trials. */
export const TRIAL_REPOSITORY = "peili-doctor/trial";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

/** The end of an archive: two blocks of zeros (POSIX, ustar). */
const END_BYTES = 1_024;

/** What the platform is called in images. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  ["x86_64"]: "amd64",
  aarch64: "arm64",
};

/**
 * Makes the image of one trial.
 *
 * @param registry In whose name
 * @param tag Sets it apart from all others
 * @returns The image; nothing is written yet
 */
export function trialImage(registry: string, tag: string): TrialImage {
  // No files. What follows the end of an archive counts for its digest alone:
  // other nodes may be at their own trials, and remove theirs.
  const archive = new TextEncoder().encode("\0".repeat(END_BYTES) + tag);
  const layer = content(LAYER, archive);
  const config = json(CONFIG, {
    architecture: ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch,
    os: "linux",
    config: { Labels: { "dev.peili.trial": tag } },
    rootfs: { type: "layers", ["diff_ids"]: [layer.digest] },
  });
  const parts = [config, layer];
  const manifest = {
    ...json(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(config),
      layers: [describe(layer)],
    }),
    refersTo: parts.map(({ digest }) => digest),
  };
  const repository = TRIAL_REPOSITORY;
  return {
    name: `${registry}/${repository}:${tag}`,
    registry,
    repository,
    tag,
    contents: [...parts, manifest],
    digest: manifest.digest,
  };
}

function content(mediaType: string, bytes: Uint8Array): OwnContent {
  return { mediaType, bytes, digest: digestOf(bytes) };
}

function json(mediaType: string, value: object): OwnContent {
  return content(mediaType, new TextEncoder().encode(JSON.stringify(value)));
}

function describe({ mediaType, digest, bytes }: OwnContent) {
  return { mediaType, digest, size: bytes.length };
}
