/**
 * A layout's index.json: what it says, and changing it beside others.
 *
 * @module
 */

import { join } from "node:path/posix";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { OCI_INDEX } from "../oci/media_type.ts";
import { parseImageName } from "../oci/reference.ts";
import { changedAt } from "./folder.ts";
import { nameOf } from "./names.ts";

/** The annotation that tools look for (image spec v1.1, "Annotations"). */
const REF_NAME = "org.opencontainers.image.ref.name";

/** The only version that there is. */
const OCI_LAYOUT = { imageLayoutVersion: "1.0.0" };

/** What an index.json that is not there says. */
const NO_INDEX: IndexFile = {
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [],
};

/** The kind of lock that one holds alone. */
const EXCLUSIVE = true;

/** Times that index.json is written anew because another wrote it meanwhile. */
const MAX_TRIES = 20;

/** index.json as a value. */
export interface IndexFile {
  /** Its entries, whatever they are. */
  readonly manifests: readonly unknown[];
  /** What else it says. */
  readonly [field: string]: unknown;
}

/**
 * No index.json is longer, in bytes: 20,000 images with long names, and read into
 * memory each time it changes.
 */
const INDEX_MAX_BYTES = 8 << 20;

/**
 * Reads index.json.
 *
 * @param root The layout's folder
 * @returns What it says, or null when there is none
 * @throws {Error} If it is not understood, or too long
 */
export async function readIndex(root: string): Promise<IndexFile | null> {
  const path = join(root, "index.json");
  let text: string;
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile || size > INDEX_MAX_BYTES) {
      throw new Error(
        `Cannot read ${path}: it is no file of at most ${INDEX_MAX_BYTES} bytes`,
      );
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const index = parseJson(text) as IndexFile | null;
  if (Array.isArray(index?.manifests)) return index;
  throw new Error(`Cannot read ${path}: it is no OCI index`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Cut off, or something else: the caller says so.
  }
}

/**
 * Tells when index.json was last written to, or put there.
 *
 * @param root The layout's folder
 * @returns As {@linkcode changedAt}, or null when there is none
 */
export async function indexChangedAt(root: string): Promise<number | null> {
  try {
    return changedAt(await Deno.stat(join(root, "index.json")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Names a manifest in index.json, which is made where absent.
 *
 * @param root The layout's folder
 * @param name `registry/repository:tag`; null lists it without a name, unless
 * it is listed already
 * @param descriptor What gets the name
 * @throws {TypeError} If the name is not that of an image with a tag
 * @throws {Error} If index.json is not understood, or never stands still
 */
export async function tagInIndex(
  root: string,
  name: string | null,
  { mediaType, digest, size }: Descriptor,
): Promise<void> {
  const parts = name === null ? null : parseImageName(name);
  if (name !== null && (!parts?.tag || parts.digest)) {
    throw new TypeError(
      `Cannot tag ${name}: it is not registry/repository:tag`,
    );
  }
  const annotations = name === null
    ? {}
    : { annotations: { [REF_NAME]: name } };
  const entry = { mediaType, digest, size, ...annotations };
  await Deno.mkdir(root, { recursive: true });
  // The folder's own lock, which leaves no file behind, keeps our writers apart.
  using folder = await Deno.open(root);
  await folder.lock(EXCLUSIVE);
  await writeNew(
    join(root, "oci-layout"),
    new TextEncoder().encode(JSON.stringify(OCI_LAYOUT)),
  );
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await versionOf(root);
    const index = await readIndex(root) ?? NO_INDEX;
    if (name === null && index.manifests.some(isOf(digest))) return;
    const manifests = index.manifests.filter((other) =>
      name === null || nameOf(other) !== name
    );
    const text = JSON.stringify({ ...index, manifests: [...manifests, entry] });
    if (await replace(root, text, before)) return;
  }
  throw new Error(
    `Cannot tag ${name ?? digest}: others write index.json all the time`,
  );
}

/** Tells whether an entry is for a digest. */
function isOf(digest: Digest): (entry: unknown) => boolean {
  return (entry) => (entry as { digest?: unknown } | null)?.digest === digest;
}

/** Tells index.json from another that is put in its place, or what is written to it. */
async function versionOf(root: string): Promise<string> {
  try {
    const { ino, size, mtime } = await Deno.stat(join(root, "index.json"));
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "absent";
    throw error;
  }
}

/** Replaces index.json in one step; false when it changed since it was read. */
async function replace(
  root: string,
  text: string,
  before: string,
): Promise<boolean> {
  const path = join(root, "index.json");
  const unfinished = join(root, `.index.json-${crypto.randomUUID()}`);
  await writeNew(unfinished, new TextEncoder().encode(text));
  const same = await versionOf(root) === before;
  if (same) await Deno.rename(unfinished, path);
  else await Deno.remove(unfinished);
  return same;
}

/** Writes a file and waits for the disk; one that is there is left alone. */
async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  try {
    using file = await Deno.open(path, { write: true, createNew: true });
    for (let written = 0; written < bytes.length;) {
      written += await file.write(bytes.subarray(written));
    }
    await file.syncData();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
