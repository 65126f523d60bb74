/**
 * Names of images as people write them: `redis`, `ghcr.io/me/app:v1`,
 * `http://10.0.0.5:5000/app@sha256:...`.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import { parseImageName } from "../oci/reference.ts";
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
  const found = parseImageName(withTag(withRegistry(rest)));
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

function withRegistry(text: string): string {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = /[.:\[]/.test(first) || first === "localhost";
  const registry = isHost ? first : "docker.io";
  const path = isHost ? text.slice(slash + 1) : text;
  if (registry !== "docker.io" && registry !== "index.docker.io") return text;
  return `docker.io/${path.includes("/") ? path : `library/${path}`}`;
}

function withTag(text: string): string {
  const path = text.slice(text.indexOf("/"));
  return /[:@]/.test(path) ? text : `${text}:latest`;
}
