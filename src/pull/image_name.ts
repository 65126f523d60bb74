/**
 * Names of images as people write them: `redis`, `ghcr.io/me/app:v1`,
 * `http://10.0.0.5:5000/app@sha256:...`.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import { parseImageName, splitFamiliarName } from "../oci/reference.ts";
import { registryUrl } from "../upstream/address.ts";

/** What is to be pulled. */
export interface WantedImage {
  /** The whole name, as containerd would store it. */
  readonly name: string;
  /** Host with an optional port. */
  readonly registry: string;
  /** Where that is. */
  readonly registryUrl: string;
  /** Path of the repository. */
  readonly repository: string;
  /** A digest, which wins, or a tag. */
  readonly target: Digest | string;
  /**
   * The name that the pulled image gets; null when a digest was named: what the
   * tag beside it stands for was not asked.
   */
  readonly tag: string | null;
}

/**
 * Reads a name. What is left out is filled in as Docker does: the registry
 * `docker.io`, its folder `library/`, the tag `latest`.
 *
 * @param text The name; `http://` or `https://` in front says how to reach the
 * registry
 * @returns What it names, or null when it is no name
 */
export function parseWantedImage(text: string): WantedImage | null {
  const [, scheme, rest = ""] = /^(https?:\/\/)?(.*)$/s.exec(text) ?? [];
  const { registry: host, path } = splitFamiliarName(rest);
  const found = parseImageName(`${host}/${withTag(path)}`);
  if (!found) return null;
  const { registry, repository, tag, digest } = found;
  const target = digest ?? tag;
  if (target === undefined) return null;
  return {
    name: `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${
      digest === undefined ? "" : `@${digest}`
    }`,
    registry,
    registryUrl: scheme ? scheme + registry : registryUrl(registry),
    repository,
    target,
    tag: digest === undefined ? `${registry}/${repository}:${target}` : null,
  };
}

function withTag(path: string): string {
  return /[:@]/.test(path) ? path : `${path}:latest`;
}
