/**
 * What is in a layout at one moment: the files, and what the manifests among them
 * and index.json say of them.
 *
 * A blob counts when something here refers to it and it is as long as that says:
 * one that is still being copied, or was cut off, would only fail at whoever gets
 * it. A manifest counts when it fits its digest, with a name or without.
 *
 * @module
 */

import { join } from "node:path/posix";
import type { CatalogEntry, CatalogImage } from "../content/catalog.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { MANIFEST_MAX_BYTES } from "../oci/media_type.ts";
import { blobPath, type FileFacts, fileFacts } from "./folder.ts";
import { indexChangedAt, readIndex } from "./index_file.ts";
import {
  type Claim,
  claimOf,
  type Manifest,
  readManifest,
} from "./manifest.ts";
import { nameOf, namesOf } from "./names.ts";

/** Content that is complete. */
export interface Stored {
  /** Its size in bytes. */
  readonly size: number;
  /** Its type, if it is a manifest or an index; null for a blob. */
  readonly mediaType: string | null;
}

/** A layout at one moment. */
export interface Listing {
  /** When it was begun, in ms since the epoch. */
  readonly startedAt: number;
  /** How long it took, in ms. */
  readonly tookMs: number;
  /** Which folder it was, whatever its path. */
  readonly folder: string;
  /** When index.json was changed last, in ms since the epoch; null for none. */
  readonly indexAt: number | null;
  /** The entries of index.json. */
  readonly index: readonly unknown[];
  /** Everything that is complete. */
  readonly contents: ReadonlyMap<Digest, Stored>;
  /** The same, with what it refers to. */
  readonly entries: readonly CatalogEntry[];
  /** Full names, `registry/repository:tag`, whose target is complete. */
  readonly names: ReadonlyMap<string, Digest>;
  /** Small files, so that the next listing need not read them again. */
  readonly small: ReadonlyMap<Digest, SmallFile>;
}

/** A file that was looked into. */
export interface SmallFile extends FileFacts {
  /** What it says, or null when it is no manifest. */
  readonly manifest: Manifest | null;
}

/** Hears what is odd; it may hear it again with each listing. */
export type OnOdd = (
  message: string,
  fields: Readonly<Record<string, string>>,
) => void;

/** Algorithms whose folders are looked into (image spec v1.1, "Digests"). */
export const ALGORITHMS: ReadonlySet<string> = new Set(
  ["sha256", "sha384", "sha512"],
);

/** Files that are listed: 1,500 images; 10,000 files cost 37 MiB of memory. */
const MAX_FILES = 20_000;

/** References of all manifests together: 30 MB of memory. */
const MAX_CLAIMS = 200_000;

/** Milliseconds without a change after which nobody is copying a file any more. */
const RESTING_MS = 5_000;

/** Files that are looked at side by side; of each at most 4 MiB are read. */
const SIDE_BY_SIDE = 8;

/**
 * Lists a layout.
 *
 * @param root Its folder
 * @param before The listing before this one, if any
 * @param onOdd Hears what is odd
 * @returns What is there
 * @throws {Error} If there is no such folder
 */
export async function listLayout(
  root: string,
  before: Listing | null,
  onOdd: OnOdd,
): Promise<Listing> {
  const startedAt = Date.now();
  const { isDirectory, dev, ino } = await Deno.stat(root);
  if (!isDirectory) {
    throw new Error(`Cannot read ${root}: it is a file; unpack an archive`);
  }
  // Its time first: what changes meanwhile is read again.
  const indexAt = await indexChangedAt(root);
  const index = await entriesOf(root, before, onOdd);
  const files = await blobFiles(root, onOdd);
  if (indexAt === null && files.size === 0) await hint(root, onOdd);
  const small = await lookInto(root, files, before, onOdd);
  const contents = complete(files, index, small, onOdd);
  return {
    startedAt,
    tookMs: Date.now() - startedAt,
    folder: `${dev} ${ino}`,
    indexAt,
    index,
    contents,
    entries: [...contents.keys()].map((digest) => entryOf(digest, small)),
    names: namesIn(index, contents, onOdd),
    small,
  };
}

/**
 * Tells names as a catalog takes them.
 *
 * @param listing What is there
 * @returns Its images
 */
export function imagesOf({ names }: Listing): CatalogImage[] {
  return [...names].map(([name, target]) => ({ name, target }));
}

/** The entries of index.json; what it said before, while it is not understood. */
async function entriesOf(
  root: string,
  before: Listing | null,
  onOdd: OnOdd,
): Promise<readonly unknown[]> {
  try {
    return (await readIndex(root))?.manifests ?? [];
  } catch (error) {
    // Some tools write it in place: for a moment it is cut off.
    onOdd("index.json is not understood; what it said before counts", {
      error: error instanceof Error ? error.message : String(error),
    });
    return before?.index ?? [];
  }
}

async function blobFiles(
  root: string,
  onOdd: OnOdd,
): Promise<Map<Digest, FileFacts>> {
  const digests: Digest[] = [];
  for (const algorithm of ALGORITHMS) {
    for await (const name of namesUnder(join(root, "blobs", algorithm))) {
      const digest = parseDigest(`${algorithm}:${name}`);
      if (!digest) continue; // What a copy writes before it is renamed.
      if (digests.length === MAX_FILES) {
        onOdd(`only the first ${MAX_FILES} blobs are served`, {});
        break;
      }
      digests.push(digest);
    }
  }
  const files = new Map<Digest, FileFacts>();
  await sideBySide(digests, async (digest) => {
    const facts = await fileFacts(blobPath(root, digest));
    if (facts) files.set(digest, facts);
    else onOdd("a blob is no plain file and is not served", { digest });
  });
  return files;
}

async function* namesUnder(path: string): AsyncIterable<string> {
  try {
    for await (const { name } of Deno.readDir(path)) yield name;
  } catch {
    // Not there: nothing has such a digest, yet.
  }
}

/** Helps who named the wrong folder; an empty one is waiting to be filled. */
async function hint(root: string, onOdd: OnOdd): Promise<void> {
  for await (const name of namesUnder(root)) {
    if (name === "ingest" || name === "oci-layout") continue;
    onOdd("this is no OCI image layout yet: it has no index.json", {
      path: root,
    });
    return;
  }
}

/** Reads what may be a manifest, unless the last listing did. */
async function lookInto(
  root: string,
  files: ReadonlyMap<Digest, FileFacts>,
  before: Listing | null,
  onOdd: OnOdd,
): Promise<Map<Digest, SmallFile>> {
  const small = new Map<Digest, SmallFile>();
  let claims = 0;
  await sideBySide([...files], async ([digest, facts]) => {
    const { size, writtenAt } = facts;
    if (size > MANIFEST_MAX_BYTES) return;
    const known = before?.small.get(digest);
    const isSame = known?.size === size && known.writtenAt === writtenAt;
    const manifest = isSame
      ? known.manifest
      : await readManifest(blobPath(root, digest), digest, size);
    claims += (manifest?.blobs.length ?? 0) + (manifest?.manifests.length ?? 0);
    if (claims <= MAX_CLAIMS) small.set(digest, { ...facts, manifest });
    else onOdd("there are too many manifests; not all are served", {});
  });
  return small;
}

/** What is as long as it should be. */
function complete(
  files: ReadonlyMap<Digest, FileFacts>,
  index: readonly unknown[],
  small: ReadonlyMap<Digest, SmallFile>,
  onOdd: OnOdd,
): Map<Digest, Stored> {
  const contents = new Map<Digest, Stored>();
  const wrong = new Map<Digest, Claim>();
  const blobs = new Set<Digest>();
  const take = (claim: Claim) => {
    const { digest, size } = claim;
    const there = files.get(digest)?.size;
    if (there === size) contents.set(digest, { size, mediaType: null });
    else if (there !== undefined) wrong.set(digest, claim);
  };
  for (const entry of index) {
    const claim = claimOf(entry);
    if (claim) take(claim);
  }
  for (const { manifest } of small.values()) {
    manifest?.manifests.forEach(take);
    manifest?.blobs.forEach(take);
    manifest?.blobs.forEach(({ digest }) => blobs.add(digest));
  }
  for (const [digest, { size, manifest }] of small) {
    // A layer may look like a manifest: what refers to it knows better.
    if (!manifest || blobs.has(digest)) continue;
    contents.set(digest, { size, mediaType: manifest.mediaType });
  }
  for (const { digest, size } of wrong.values()) {
    const { changedAt = 0 } = files.get(digest) ?? {};
    const isCopied = Date.now() - changedAt < RESTING_MS;
    if (contents.has(digest) || isCopied) continue;
    onOdd("a blob is not as long as it should be and is not served", {
      digest,
      expected: `${size}`,
    });
  }
  return contents;
}

function entryOf(
  digest: Digest,
  small: ReadonlyMap<Digest, SmallFile>,
): CatalogEntry {
  const manifest = small.get(digest)?.manifest;
  const digests = (claims: readonly Claim[] = []) =>
    claims.map((claim) => claim.digest);
  return {
    digest,
    blobs: digests(manifest?.blobs),
    manifests: digests(manifest?.manifests),
    origins: [],
  };
}

function namesIn(
  index: readonly unknown[],
  contents: ReadonlyMap<Digest, Stored>,
  onOdd: OnOdd,
): Map<string, Digest> {
  const names = new Map<string, Digest>();
  for (const entry of index) {
    const claim = claimOf(entry);
    if (!claim) {
      const text = JSON.stringify(entry).slice(0, MAX_TOLD_LENGTH);
      onOdd("an entry of index.json is not understood", { entry: text });
      continue;
    }
    const { digest } = claim;
    const name = nameOf(entry);
    if (name && contents.get(digest)?.mediaType) names.set(name, digest);
    const [own] = namesOf(entry);
    if (!name && own !== undefined) {
      onOdd(
        "an image has no full name (registry/repository:tag): it is served by digest only",
        { name: own.slice(0, MAX_TOLD_LENGTH), digest },
      );
    }
  }
  return names;
}

/** Characters of what is odd that are told. */
const MAX_TOLD_LENGTH = 200;

async function sideBySide<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
