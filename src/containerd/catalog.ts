/**
 * What is in the namespace, as of the last listing, and what changed since the
 * one before.
 *
 * @module
 */

import type { ContentEvent } from "../content/watcher.ts";
import type { ContentFilter } from "../content/filter.ts";
import type { Digest } from "../oci/digest.ts";
import { type ImageName, parseImageName } from "../oci/reference.ts";
import type { ContainerdImage, ContentInfo } from "./client.ts";

/** Labels by which containerd's garbage collector knows what content refers to. */
const CHILD_LABEL = "containerd.io/gc.ref.content.";
/** Among them, the manifests of an index. */
const CHILD_MANIFEST_LABEL = "containerd.io/gc.ref.content.m.";
/** Labels that tell a repository that content was pulled from. */
const SOURCE_LABEL = "containerd.io/distribution.source.";

/** The state of a namespace and its changes. */
export interface Catalog {
  /** Forgets what was told: the next update tells all that is there. */
  restart(): void;
  /**
   * Takes a new listing.
   *
   * @returns What changed since the last one
   */
  update(
    contents: readonly ContentInfo[],
    images: readonly ContainerdImage[],
  ): ContentEvent[];
  /** Takes one piece of content that was announced; null if it was known. */
  created(digest: Digest): ContentEvent | null;
  /** Takes the end of content that was announced; null if it was not known. */
  deleted(digest: Digest): ContentEvent | null;
  /** True when a manifest refers to this as its config or a layer. */
  isBlob(digest: Digest): boolean;
  /** Tells whether the filter lets this content be shared. */
  isShared(info: ContentInfo): boolean;
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
  let names: Names = { registries: new Set(), reached: new Map() };
  const odd = new Set<string>();
  const noteOdd = (name: string) => {
    if (odd.has(name) || odd.size >= MAX_ODD_NAMES) return;
    odd.add(name);
    options.onOddName(name);
  };

  const isShared = (info: ContentInfo): boolean => {
    if (!filter.restricts) return true;
    const known = names.reached.get(info.digest);
    if (known) return known.some((name) => allowsName(filter, name));
    return sources(info).some(([host, repository]) =>
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
      blobs = blobDigests(contents);
      // Names tell more than labels, but only a filter asks for them.
      if (filter.restricts) names = reachedNames(contents, parsed);
      const before = { digests, tags };
      digests = new Set(contents.filter(isShared).map((info) => info.digest));
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
  /** For each digest the images that it is part of. */
  readonly reached: ReadonlyMap<string, readonly ImageName[]>;
}

/**
 * Names that are no `registry/repository` are common (CRI names each image also
 * by its config's digest) and mean nothing here; only a name that has a slash
 * and still is not understood is worth telling.
 */
function parseNames(
  images: readonly ContainerdImage[],
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

function blobDigests(contents: readonly ContentInfo[]): Set<string> {
  const blobs = new Set<string>();
  for (const { labels } of contents) {
    for (const [label, child] of Object.entries(labels)) {
      if (
        label.startsWith(CHILD_LABEL) &&
        !label.startsWith(CHILD_MANIFEST_LABEL)
      ) blobs.add(child);
    }
  }
  return blobs;
}

/** Walks from each image to all that it refers to. */
function reachedNames(
  contents: readonly ContentInfo[],
  images: readonly NamedImage[],
): Names {
  const children = new Map(contents.map(({ digest, labels }) => [
    digest as string,
    Object.entries(labels)
      .filter(([label]) => label.startsWith(CHILD_LABEL))
      .map(([, child]) => child),
  ]));
  const reached = new Map<string, ImageName[]>();
  for (const { parts, target } of images) {
    const seen = new Set<string>();
    const todo: string[] = [target];
    for (let digest = todo.pop(); digest; digest = todo.pop()) {
      if (seen.has(digest)) continue;
      seen.add(digest);
      const names = reached.get(digest);
      if (names) names.push(parts);
      else reached.set(digest, [parts]);
      todo.push(...children.get(digest) ?? []);
    }
  }
  return {
    registries: new Set(images.map(({ parts }) => parts.registry)),
    reached,
  };
}

function allowsName(filter: ContentFilter, name: ImageName): boolean {
  return filter.allowsRepository(name.registry, name.repository);
}

/** A label's value may be a list: the same blob came from several repositories. */
function sources({ labels }: ContentInfo): [string, string][] {
  return Object.entries(labels)
    .filter(([label]) => label.startsWith(SOURCE_LABEL))
    .flatMap(([label, value]) =>
      value.split(",").map((repository): [string, string] => [
        label.slice(SOURCE_LABEL.length),
        repository,
      ])
    );
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
