/**
 * Names of images: registry, repository, tag and digest, and the key under
 * which the cluster knows a tag.
 *
 * Grammar: OCI distribution spec v1.1, "Pulling manifests", and the reference
 * grammar that containerd stores image names in.
 *
 * @module
 */

import { type Digest, parseDigest } from "./digest.ts";

/** A tag of a repository in a registry. */
export interface TagReference {
  /** Host with an optional port, as it stands in the image's name. */
  readonly registry: string;
  /** Path of the repository, `library/ubuntu`. */
  readonly repository: string;
  /** The tag, `24.04`. */
  readonly tag: string;
}

/** An image's name taken apart. At least one of tag and digest is there. */
export interface ImageName {
  /** Host with an optional port. */
  readonly registry: string;
  /** Path of the repository. */
  readonly repository: string;
  /** The tag, when the name has one. */
  readonly tag?: string;
  /** The digest, when the name has one. */
  readonly digest?: Digest;
}

/** The spec's `<name>`; 255 characters is what registries accept with the host. */
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REPOSITORY_MAX_LENGTH = 255;

/** The spec's `<reference>` as a tag. */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Host name, IPv4 or bracketed IPv6, with an optional port. */
const REGISTRY =
  /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?$/;

/**
 * Tells whether a text is a repository's path.
 *
 * @param text The text between `/v2/` and the endpoint
 * @returns True when it fits the spec's grammar
 */
export function isRepository(text: string): boolean {
  return text.length <= REPOSITORY_MAX_LENGTH && REPOSITORY.test(text);
}

/**
 * Tells whether a text is a tag.
 *
 * @param text What may be a tag
 * @returns True when it fits the spec's grammar
 */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * Tells whether a text is a registry: a host with an optional port, without a
 * scheme.
 *
 * @param text What may be a registry
 * @returns True when it can stand first in an image's name
 */
export function isRegistry(text: string): boolean {
  return text.length <= 255 && REGISTRY.test(text);
}

/**
 * Takes the name of an image apart, as containerd stores it.
 *
 * @param name For example `docker.io/library/ubuntu:24.04@sha256:...`
 * @returns Its parts, or null when it is not the name of an image in a registry
 */
export function parseImageName(name: string): ImageName | null {
  const slash = name.indexOf("/");
  const registry = name.slice(0, slash);
  if (slash < 0 || !isRegistry(registry)) return null;
  const at = name.indexOf("@", slash);
  const digest = at < 0 ? undefined : parseDigest(name.slice(at + 1));
  if (digest === null) return null;
  const tagged = name.slice(slash + 1, at < 0 ? undefined : at);
  const colon = tagged.indexOf(":");
  const repository = colon < 0 ? tagged : tagged.slice(0, colon);
  const tag = colon < 0 ? undefined : tagged.slice(colon + 1);
  if (!isRepository(repository) || (tag !== undefined && !isTag(tag))) {
    return null;
  }
  if (tag === undefined && digest === undefined) return null;
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/**
 * Splits a name as people write it, by Docker's rule: the part before the first
 * slash is the registry when it has a dot or a colon or is `localhost`. Else the
 * name is one of `docker.io`, whose single names are in `library/`.
 *
 * @param name `ghcr.io/me/app`, `me/app`, `redis`; a tag or digest may follow
 * @returns The registry, and the rest as a path in it; neither is checked
 */
export function splitFamiliarName(
  name: string,
): { registry: string; path: string } {
  const [, first, rest = ""] = /^([^/]*[.:][^/]*|localhost)\/(.*)$/s
    .exec(name) ?? [];
  const isHub = first === undefined || HUB.has(first);
  if (!isHub) return { registry: first, path: rest };
  const path = first === undefined ? name : rest;
  return {
    registry: "docker.io",
    path: path.includes("/") ? path : `library/${path}`,
  };
}

/** Names of the registry whose short names everybody knows. */
const HUB: ReadonlySet<string> = new Set(["docker.io", "index.docker.io"]);

/**
 * The name under which the cluster knows a tag, and under which containerd
 * stores the image.
 *
 * @param reference The tag
 * @returns `registry/repository:tag`
 */
export function tagKey(reference: TagReference): string {
  return `${reference.registry}/${reference.repository}:${reference.tag}`;
}

/**
 * A registry's host as containerd's source labels say it, which have no port
 * (`10.99.0.2` for `10.99.0.2:5000`) and no brackets (`fd00::9` for
 * `[fd00::9]:5000`): what is compared with them must lose both, too.
 *
 * @param registry Host with an optional port, or a label's host
 * @returns The host alone
 */
export function registryHost(registry: string): string {
  const bracketed = /^\[(.+)\](?::[0-9]{1,5})?$/.exec(registry);
  return bracketed?.[1] ?? registry.replace(/^([^:]+):[0-9]{1,5}$/, "$1");
}
