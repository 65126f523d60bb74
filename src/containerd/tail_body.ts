/**
 * A file that another process is still writing, as a body: it is followed until
 * it has its full size.
 *
 * @module
 */

import { sleep } from "../async/backoff.ts";
import { type ByteRange, rangeLength } from "../oci/range.ts";

/** Bytes of one read; containerd writes in steps of 1 MiB. */
const CHUNK_BYTES = 256 << 10;

/**
 * Milliseconds between an empty read and the next. containerd writes 1 MiB in 8
 * ms at 1 Gbit/s; each hop of a chain waits half of this on average.
 */
const AGAIN_MS = 12;

/** Milliseconds between two looks whether the file is still wanted by its writer. */
const LOOK_MS = 250;

/**
 * Streams a part of a growing file and closes it. The file stays readable when
 * it is renamed on commit; when it is removed instead, the body errors.
 *
 * @param file Open for reading; the stream owns it from now on
 * @param part What to stream; the file need not be that long yet
 * @returns The bytes as they come. It waits for as long as the file is there:
 * the reader decides how long is too long
 */
export function tailBody(
  file: Deno.FsFile,
  part: ByteRange,
): ReadableStream<Uint8Array> {
  const ended = new AbortController();
  let left = rangeLength(part);
  let seek = part.start > 0;

  async function next(): Promise<Uint8Array | null> {
    if (seek) await file.seek(part.start, Deno.SeekMode.Start);
    seek = false;
    const chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
    for (let lookAt = performance.now() + LOOK_MS; !ended.signal.aborted;) {
      const read = await file.read(chunk);
      if (read) return chunk.subarray(0, read);
      if (performance.now() >= lookAt) {
        const { nlink } = await file.stat();
        if (nlink === 0) {
          throw new Error("Cannot read on: the pull was given up");
        }
        lookAt = performance.now() + LOOK_MS;
      }
      await sleep(AGAIN_MS, ended.signal);
    }
    return null;
  }

  let reading = false;
  return new ReadableStream({
    async pull(controller) {
      reading = true;
      try {
        const chunk = left > 0 ? await next() : null;
        if (ended.signal.aborted) return file.close();
        if (chunk) controller.enqueue(chunk);
        left -= chunk?.length ?? 0;
        if (left > 0) return;
        file.close();
        controller.close();
      } catch (error) {
        file.close();
        if (!ended.signal.aborted) controller.error(error);
      } finally {
        reading = false;
      }
    },
    cancel() {
      ended.abort();
      if (!reading) file.close(); // Else the read closes it when it wakes.
    },
  }, { highWaterMark: 0 });
}
