/**
 * What a registry is asked: a method and a URL become one of a few kinds.
 *
 * @module
 */

import { type Digest, parseDigest } from "./digest.ts";
import { RegistryError } from "./error.ts";
import {
  isRegistry,
  isRepository,
  isTag,
  splitFamiliarName,
} from "./reference.ts";

/** A request to the pull part of the OCI distribution spec v1.1. */
export type RegistryRequest =
  /** end-1: `GET /v2/` */
  | { readonly kind: "ping" }
  /** end-2: `GET|HEAD /v2/<name>/blobs/<digest>` */
  | ContentRequest
  /** end-3: `GET|HEAD /v2/<name>/manifests/<reference>`, by tag */
  | TagRequest;

/** A blob or a manifest by its digest (end-2, end-3). */
export interface ContentRequest {
  /** Which endpoint was asked. */
  readonly kind: "blob" | "manifest";
  /** Registry of the `ns` query, or of the path where there was none. */
  readonly registry?: string;
  /**
   * True when there was no `ns`: the client does not know that it asks a mirror
   * (crane, skopeo, podman, curl), so it is no containerd whose pull others could
   * follow. It is given what is there, and never goes upstream for others.
   *
   * @default {false}
   */
  readonly plain?: boolean;
  /** The `<name>`. */
  readonly repository: string;
  /** What is wanted. */
  readonly digest: Digest;
}

/** A manifest by its tag (end-3). */
export interface TagRequest {
  /** Told apart from a manifest by digest, because it must be resolved first. */
  readonly kind: "tag";
  /** Registry of the `ns` query, or of the path where there was none. */
  readonly registry: string;
  /** True when there was no `ns`, as in a {@linkcode ContentRequest}. */
  readonly plain?: boolean;
  /** The `<name>`. */
  readonly repository: string;
  /** What is wanted. */
  readonly tag: string;
}

/** The endpoints that are served; names may hold the words too, so greedily. */
const CONTENT_PATH = /^\/v2\/(.+)\/(blobs|manifests)\/([^/]+)$/;

/**
 * Endpoints of the spec that a pull-only mirror does not have: end-8, end-12,
 * end-13, `_catalog`. What the nodes happen to hold is no list of a repository's
 * tags or referrers, and 404 is the spec's word for "not supported": clients then
 * look for referrers by a tag, which is served.
 */
const OTHER_PATH =
  /^\/v2\/(_catalog|.+\/(tags\/list|referrers\/[^/]+|blobs\/uploads\/[^/]*))$/;

/**
 * A registry with a port in a path: `localhost_5000`, because clients refuse a
 * second colon in a name. No name of a host or of Docker Hub has an underscore.
 */
const PORT_IN_PATH = /^([^/_]+)_([0-9]{1,5})\//;

/**
 * Reads a request.
 *
 * @param method The HTTP method
 * @param url The request's URL
 * @returns What is asked
 * @throws {RegistryError} UNSUPPORTED for a method or endpoint that a pull-only
 * mirror does not have, NAME_INVALID or DIGEST_INVALID for a malformed path
 */
export function parseRequest(method: string, url: URL): RegistryRequest {
  if (method !== "GET" && method !== "HEAD") {
    throw new RegistryError("UNSUPPORTED", `method ${method} is not served`, {
      status: 405,
      headers: { Allow: "GET, HEAD" },
    });
  }
  const { pathname } = url;
  if (pathname === "/v2/" || pathname === "/v2") return { kind: "ping" };
  const match = CONTENT_PATH.exec(pathname);
  if (!match) {
    throw OTHER_PATH.test(pathname)
      ? new RegistryError("UNSUPPORTED", `${pathname} is not served`)
      : new RegistryError("NAME_INVALID", `no such endpoint: ${pathname}`);
  }
  const [, name = "", endpoint, reference = ""] = match;
  const kind = endpoint === "blobs" ? "blob" : "manifest";
  return parseReference(kind, reference, parseName(name, parseNamespace(url)));
}

/** Where something is, and whether that was said by the path alone. */
type Name = Pick<TagRequest, "registry" | "repository" | "plain">;

/**
 * Without `ns` the path is read as people write names, so that
 * `127.0.0.1:5000/ghcr.io/me/app` is what it looks like.
 */
function parseName(name: string, ns: string | null): Name {
  const named = ns === null ? nameInPath(name) : {
    registry: ns,
    repository: name,
  };
  if (isRepository(named.repository) && isRegistry(named.registry)) {
    return named;
  }
  throw new RegistryError("NAME_INVALID", `invalid name: ${name}`);
}

function nameInPath(name: string): Name {
  const { registry, path } = splitFamiliarName(
    name.replace(PORT_IN_PATH, "$1:$2/"),
  );
  return { registry, repository: path, plain: true };
}

function parseReference(
  kind: "blob" | "manifest",
  reference: string,
  name: Name,
): RegistryRequest {
  const text = decodeURIComponentOrNull(reference) ?? reference;
  const digest = parseDigest(text);
  if (digest) return { kind, ...name, digest };
  if (kind === "blob" || text.includes(":")) {
    throw new RegistryError("DIGEST_INVALID", `invalid digest: ${text}`);
  }
  if (!isTag(text)) {
    throw new RegistryError("NAME_INVALID", `invalid tag: ${text}`);
  }
  return { kind: "tag", ...name, tag: text };
}

/** `ns` as containerd sends it, url-encoded; a malformed one is refused. */
function parseNamespace(url: URL): string | null {
  const ns = url.searchParams.get("ns");
  if (ns === null || ns === "") return null;
  if (!isRegistry(ns)) {
    throw new RegistryError("NAME_INVALID", `invalid registry: ns=${ns}`);
  }
  return ns;
}

/** Clients may write the colon of a digest as %3A. */
function decodeURIComponentOrNull(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // A broken escape is no digest and no tag; it is refused below.
  }
}
