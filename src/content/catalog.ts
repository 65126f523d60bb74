/**
 * What is in a store, as of the last listing, and what changed since the one
 * before.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import { type ImageName, parseImageName } from "../oci/reference.ts";
import type { ContentFilter } from "./filter.ts";
import type { ContentEvent } from "./watcher.ts";

/** Where content was pulled from. */
export interface ContentOrigin {
  /** The registry's host; containerd drops its port. */
  readonly host: string;
  /** The repository. */
  readonly repository: string;
}

/** One piece of content of a listing. */
export interface CatalogEntry {
  /** Its digest. */
  readonly digest: Digest;
  /** Digests of the config and the layers that it refers to, if a manifest. */
  readonly blobs: readonly string[];
  /** Digests of the manifests that it refers to, and of what may be one. */
  readonly manifests: readonly string[];
  /** Where it is known to come from, besides what images reach. */
  readonly origins: readonly ContentOrigin[];
}

/** A name of a listing. */
export interface CatalogImage {
  /** Usually `registry/repository:tag`, but it may be any text. */
  readonly name: string;
  /** What it stands for. */
  readonly target: Digest;
}

/** The state of a store and its changes. */
export interface Catalog {
  /** Forgets what was told: the next update tells all that is there. */
  restart(): void;
  /**
   * Takes a new listing.
   *
   * @returns What changed since the last one
   */
  update(
    contents: readonly CatalogEntry[],
    images: readonly CatalogImage[],
  ): ContentEvent[];
  /** Takes one piece of content that was announced; null if it was known. */
  created(digest: Digest): ContentEvent | null;
  /** Takes the end of content that was announced; null if it was not known. */
  deleted(digest: Digest): ContentEvent | null;
  /** Takes a name that was announced; null if it was known, or is not shared. */
  tagged(image: CatalogImage): ContentEvent | null;
  /** True when a manifest refers to this as its config or a layer. */
  isBlob(digest: Digest): boolean;
  /** Tells whether the filter lets this content be shared. */
  isShared(content: Pick<CatalogEntry, "digest" | "origins">): boolean;
}

/** What the catalog needs. */
export interface CatalogOptions {
  /** Decides what is shared. */
  readonly filter: ContentFilter;
  /** Hears of each image whose name is not understood, once a name. */
  readonly onOddName: (name: string) => void;
}

/**
 * Makes an empty catalog.
 *
 * @param options Filter and listener
 * @returns The catalog
 */
export function catalog(options: CatalogOptions): Catalog {
  const { filter } = options;
  let digests = new Set<Digest>();
  let blobs = new Set<string>();
  let tags = new Map<string, Digest>();
  let names = NO_NAMES;
  const odd = new Set<string>();
  const noteOdd = (name: string) => {
    if (odd.has(name) || odd.size >= MAX_ODD_NAMES) return;
    odd.add(name);
    options.onOddName(name);
  };

  const isShared: Catalog["isShared"] = ({ digest, origins }) => {
    if (!filter.restricts) return true;
    if (names.allowed.has(digest)) return true;
    if (names.reached.has(digest)) return false;
    return origins.some(({ host, repository }) =>
      filter.allowsLabel(host, repository, names.registries)
    );
  };

  return {
    restart() {
      digests = new Set();
      tags = new Map();
    },
    update(contents, images) {
      const parsed = parseNames(images, noteOdd);
      blobs = new Set(contents.flatMap((entry) => entry.blobs));
      // Names tell more than origins, but only a filter asks for them.
      if (filter.restricts) names = namesOf(contents, parsed, filter);
      const before = { digests, tags };
      digests = new Set(contents.filter(isShared).map(({ digest }) => digest));
      tags = sharedTags(parsed, filter);
      return difference(before, { digests, tags });
    },
    created(digest) {
      if (digests.has(digest)) return null;
      digests.add(digest);
      return { kind: "created", digest };
    },
    deleted: (digest) =>
      digests.delete(digest) ? { kind: "deleted", digest } : null,
    tagged(image) {
      const [shared] = sharedTags(parseNames([image], noteOdd), filter);
      if (!shared || tags.get(image.name) === image.target) return null;
      tags.set(...shared);
      return { kind: "tagged", name: image.name, digest: image.target };
    },
    isBlob: (digest) => blobs.has(digest),
    isShared,
  };
}

/** Odd names that are remembered as told; a node with more has other trouble. */
const MAX_ODD_NAMES = 1000;

interface NamedImage {
  readonly name: string;
  readonly parts: ImageName;
  readonly target: Digest;
}

interface Names {
  /** Registries as they stand in image names, with their ports. */
  readonly registries: ReadonlySet<string>;
  /** Digests of what is part of an image that the filter allows. */
  readonly allowed: ReadonlySet<string>;
  /** Digests of what is part of any image. */
  readonly reached: ReadonlySet<string>;
}

const NO_NAMES: Names = {
  registries: new Set(),
  allowed: new Set(),
  reached: new Set(),
};

/**
 * Names that are no `registry/repository` are common (CRI names each image also
 * by its config's digest) and mean nothing here; only a name that has a slash
 * and still is not understood is worth telling.
 */
function parseNames(
  images: readonly CatalogImage[],
  onOdd: (name: string) => void,
): NamedImage[] {
  const named: NamedImage[] = [];
  for (const { name, target } of images) {
    const parts = parseImageName(name);
    if (parts) named.push({ name, parts, target });
    else if (name.includes("/")) onOdd(name);
  }
  return named;
}

function sharedTags(
  images: readonly NamedImage[],
  filter: ContentFilter,
): Map<string, Digest> {
  const tags = new Map<string, Digest>();
  for (const { name, parts, target } of images) {
    const { registry, repository, tag, digest } = parts;
    if (tag === undefined || digest !== undefined) continue;
    if (filter.allowsTag({ registry, repository, tag })) tags.set(name, target);
  }
  return tags;
}

function namesOf(
  contents: readonly CatalogEntry[],
  images: readonly NamedImage[],
  filter: ContentFilter,
): Names {
  const entries = new Map<string, CatalogEntry>(
    contents.map((entry) => [entry.digest, entry]),
  );
  const allowed = images.filter(({ parts }) =>
    filter.allowsRepository(parts.registry, parts.repository)
  );
  return {
    registries: new Set(images.map(({ parts }) => parts.registry)),
    allowed: partsOf(allowed, entries),
    reached: partsOf(images, entries),
  };
}

/**
 * Walks from images to all that they refer to, once: a list for each name would
 * be names times layers, of which a folder from elsewhere may have any number.
 */
function partsOf(
  images: readonly NamedImage[],
  entries: ReadonlyMap<string, CatalogEntry>,
): Set<string> {
  const reached = new Set<string>();
  const todo: string[] = images.map(({ target }) => target);
  for (let digest = todo.pop(); digest; digest = todo.pop()) {
    if (reached.has(digest)) continue;
    reached.add(digest);
    const entry = entries.get(digest);
    if (entry) todo.push(...entry.manifests, ...entry.blobs);
  }
  return reached;
}

interface State {
  readonly digests: ReadonlySet<Digest>;
  readonly tags: ReadonlyMap<string, Digest>;
}

function difference(before: State, after: State): ContentEvent[] {
  const events: ContentEvent[] = [];
  for (const digest of after.digests.difference(before.digests)) {
    events.push({ kind: "created", digest });
  }
  for (const [name, digest] of after.tags) {
    if (before.tags.get(name) !== digest) {
      events.push({ kind: "tagged", name, digest });
    }
  }
  for (const name of before.tags.keys()) {
    if (!after.tags.has(name)) events.push({ kind: "untagged", name });
  }
  for (const digest of before.digests.difference(after.digests)) {
    events.push({ kind: "deleted", digest });
  }
  return events;
}
