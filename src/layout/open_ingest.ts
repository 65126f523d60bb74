/**
 * One ingest of a layout, open for writing.
 *
 * Who writes holds the lock of the data file, which ends with the process: what
 * a crash leaves behind is free, and the next one goes on.
 *
 * @module
 */

import { basename, dirname } from "node:path/posix";
import { sleep } from "../async/backoff.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import {
  type Digest,
  type DigestVerifier,
  digestVerifier,
} from "../oci/digest.ts";
import { blobPath, fileFacts, ingestPath } from "./folder.ts";
import type { IngestOptions, LayoutIngest } from "./writer.ts";

/** Milliseconds between two looks whether another writer has ended. */
const LOCKED_MS = 100;

/** The kind of lock that one holds alone. */
const EXCLUSIVE = true;

/** Bytes of one read of what is there already. */
const CHUNK_BYTES = 256 << 10;

/**
 * Opens an ingest for writing.
 *
 * @param root The layout's folder
 * @param descriptor What it will be
 * @param options Its ref, and the end of waiting
 * @returns The ingest; see {@linkcode LayoutIngest}
 */
export async function openIngest(
  root: string,
  descriptor: Descriptor,
  { ref = `content-${descriptor.digest}`, signal, onWait = () => {} }:
    IngestOptions,
): Promise<LayoutIngest> {
  const { digest, size } = descriptor;
  if (!ref.endsWith(`-${digest}`) && !ref.endsWith(`@${digest}`)) {
    throw new TypeError(`Cannot pull as ${ref}: it does not end in ${digest}`);
  }
  const blob = blobPath(root, digest);
  const folder = ingestPath(root, ref);
  let waits = false;
  await sweepRenamed(folder);
  while (true) {
    signal.throwIfAborted();
    if (await hasAll(blob, size)) {
      await sweep(folder);
      return complete(size);
    }
    const file = await lockedFile(folder, ref, size);
    if (!file) {
      if (!waits) onWait();
      waits = true;
      await sleep(LOCKED_MS, signal);
      continue;
    }
    try {
      // Committed by whoever had the lock; it may have been this very file.
      if (!await isAt(file, folder) || await hasAll(blob, size)) {
        file.close();
        continue;
      }
      const verifier = digestVerifier(digest);
      const offset = await readBack(file, { size, signal }, verifier);
      return new Ingest({ folder, blob, file, digest, size }, verifier, offset);
    } catch (error) {
      file.close();
      throw error;
    }
  }
}

async function hasAll(blob: string, size: number): Promise<boolean> {
  return (await fileFacts(blob))?.size === size;
}

/** Removes what is left of a pull of content that is complete by now. */
async function sweep(folder: string): Promise<void> {
  await unlessGone(async () => {
    using file = await Deno.open(`${folder}/data`, { write: true });
    const isFree = await file.tryLock(EXCLUSIVE) && await isAt(file, folder);
    if (isFree) await removeIngest(folder);
  });
}

/** Removes what {@linkcode renamed} left where its process was killed. */
async function sweepRenamed(folder: string): Promise<void> {
  const ingests = dirname(folder);
  await unlessGone(async () => {
    for await (const { name } of Deno.readDir(ingests)) {
      if (!name.startsWith(`${basename(folder)}.`)) continue;
      if (await isFree(`${ingests}/${name}/data`)) {
        await removeRenamed(`${ingests}/${name}`);
      }
    }
  });
}

/** Tells whether nobody writes a file; what has become a blob is not there. */
async function isFree(path: string): Promise<boolean> {
  let free = true;
  await unlessGone(async () => {
    using file = await Deno.open(path, { write: true });
    free = await file.tryLock(EXCLUSIVE);
  });
  return free;
}

async function unlessGone(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Removes an ingest whose lock is held. It loses its name first: who opens the
 * same ref now begins a new one, and does not lose it when this folder goes.
 */
async function removeIngest(folder: string): Promise<void> {
  await removeRenamed(await renamed(folder));
}

/** Two may do it at once, and one of them finds it gone. */
async function removeRenamed(last: string): Promise<void> {
  await unlessGone(() => Deno.remove(last, { recursive: true }));
}

async function renamed(folder: string): Promise<string> {
  const last = `${folder}.${crypto.randomUUID()}`;
  await Deno.rename(folder, last);
  return last;
}

/** The data file, made where absent; null while another has its lock. */
async function lockedFile(
  folder: string,
  ref: string,
  size: number,
): Promise<Deno.FsFile | null> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    const file = await Deno.open(`${folder}/data`, {
      read: true,
      write: true,
      create: true,
    });
    try {
      if (await file.tryLock(EXCLUSIVE)) {
        await keepText(`${folder}/ref`, ref);
        await keepText(`${folder}/total`, `${size}`);
        return file;
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  } catch (error) {
    // Committed meanwhile, and its folder went away.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return null;
}

/** Writes a file unless it says so already: others read it meanwhile. */
async function keepText(path: string, text: string): Promise<void> {
  const known = await Deno.readTextFile(path).catch(() => null); // Not yet.
  if (known !== text) await Deno.writeTextFile(path, text);
}

/** Tells whether an open data file is still the ingest's. */
async function isAt(file: Deno.FsFile, folder: string): Promise<boolean> {
  try {
    const [open, there] = await Promise.all([
      file.stat(),
      Deno.stat(`${folder}/data`),
    ]);
    return open.ino === there.ino && open.dev === there.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Hashes what is there already; more than there can be is thrown away. */
async function readBack(
  file: Deno.FsFile,
  { size, signal }: { readonly size: number; readonly signal: AbortSignal },
  verifier: DigestVerifier,
): Promise<number> {
  const { size: there } = await file.stat();
  if (there > size) {
    await file.truncate(0);
    return 0;
  }
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, there));
  let offset = 0;
  while (offset < there) {
    signal.throwIfAborted(); // It may be gigabytes.
    const read = await file.read(chunk);
    if (!read) break;
    verifier.update(chunk.subarray(0, read));
    offset += read;
  }
  return offset;
}

/** What is complete already. */
function complete(size: number): LayoutIngest {
  const nothing = () => Promise.resolve();
  return {
    offset: size,
    write: (chunk) => chunk.length === 0 ? nothing() : tooMany(size),
    commit: nothing,
    abort: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}

function tooMany(size: number): Promise<never> {
  return Promise.reject(
    new RangeError(`Cannot write on: it would be longer than ${size} bytes`),
  );
}

/** Where an ingest is and what it will be. */
interface IngestPlace {
  readonly folder: string;
  readonly blob: string;
  /** Locked; the ingest owns it. */
  readonly file: Deno.FsFile;
  readonly digest: Digest;
  readonly size: number;
}

class Ingest implements LayoutIngest {
  readonly #place: IngestPlace;
  readonly #verifier: DigestVerifier;
  #offset: number;
  #closed = false;
  #failed = false; // What the disk has is not what was hashed.

  constructor(place: IngestPlace, verifier: DigestVerifier, offset: number) {
    this.#place = place;
    this.#verifier = verifier;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { file, size } = this.#place;
    if (chunk.length > size - this.#offset) return await tooMany(size);
    this.#mustBeOpen();
    this.#failed = true;
    for (let written = 0; written < chunk.length;) {
      written += await file.write(chunk.subarray(written));
    }
    this.#failed = false;
    this.#verifier.update(chunk);
    this.#offset += chunk.length;
  }

  async commit(): Promise<void> {
    const { folder, blob, file, digest, size } = this.#place;
    this.#mustBeOpen();
    const { size: there } = await file.stat();
    if (there < size) {
      throw new Error(
        `Cannot commit ${digest}: ${size - there} of ${size} bytes are missing`,
      );
    }
    if (there !== this.#offset || !this.#verifier.matches()) {
      await removeIngest(folder);
      this.#close();
      throw new Error(`Cannot commit ${digest}: its bytes are others`);
    }
    await file.syncData();
    await Deno.mkdir(dirname(blob), { recursive: true });
    const last = await renamed(folder); // As removeIngest() does.
    await Deno.rename(`${last}/data`, blob);
    await removeRenamed(last);
    this.#close();
  }

  abort(): Promise<void> {
    this.#close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Error("Cannot write on: the ingest is closed");
    if (this.#failed) throw new Error("Cannot write on: a write has failed");
  }

  #close(): void {
    if (!this.#closed) this.#place.file.close();
    this.#closed = true;
  }
}
