/** How much a containerd has so far, committed or not. @module */
import { join } from "node:path/posix";

async function sizesIn(
  folder: string,
  file: (name: string) => string,
): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name } of Deno.readDir(folder)) {
      // What has gone since the folder was read is counted the next time.
      const stat = await Deno.stat(join(folder, file(name))).catch(() => null);
      bytes += stat?.size ?? 0;
    }
  } catch {
    return bytes; // Nothing was ever pulled: the folder is not there.
  }
  return bytes;
}

/** Bytes in a content store: its blobs, and what is being pulled. */
export async function storedBytes(contentPath: string): Promise<number> {
  const ingests = join(contentPath, "ingest");
  const blobs = join(contentPath, "blobs/sha256");
  return await sizesIn(ingests, (name) => join(name, "data")) +
    await sizesIn(blobs, (name) => name);
}
