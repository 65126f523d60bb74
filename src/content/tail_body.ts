/**
 * A file that another process is still writing, as a body: it is followed until
 * it has its full size.
 *
 * @module
 */

import { sleep } from "../async/backoff.ts";
import { type ByteRange, rangeLength } from "../oci/range.ts";
import { chunkSize } from "./chunk_size.ts";

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
 * @param signal Ends the body with an error
 * @returns The bytes as they come. It waits for as long as the file is there:
 * the reader decides how long is too long
 */
export function tailBody(
  file: Deno.FsFile,
  part: ByteRange,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const ended = new AbortController(); // With the body, however it ends.
  const size = chunkSize();
  let left = rangeLength(part);
  let seek = part.start > 0;
  let reading = false;
  let isOver = false; // The reader has heard how it ended.

  async function next(): Promise<Uint8Array | null> {
    if (seek) await file.seek(part.start, Deno.SeekMode.Start);
    seek = false;
    const chunk = new Uint8Array(Math.min(left, size.bytes()));
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

  /** Closes the file, once; a read under way does it when it wakes. */
  function end(): void {
    if (ended.signal.aborted) return;
    ended.abort();
    size[Symbol.dispose]();
    signal.removeEventListener("abort", onAbort);
    if (!reading) file.close();
  }

  let onAbort = end;
  return new ReadableStream({
    start(controller) {
      onAbort = () => {
        // After the file is closed: who hears of the end finds nothing open.
        const waits = reading;
        end();
        if (!waits) controller.error(signal.reason);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    },
    async pull(controller) {
      reading = true;
      try {
        const chunk = await next();
        if (ended.signal.aborted || !chunk) return;
        controller.enqueue(chunk);
        left -= chunk.length;
        if (left > 0) return;
        isOver = true;
        controller.close();
        end();
      } catch (error) {
        if (ended.signal.aborted) return;
        isOver = true;
        controller.error(error);
        end();
      } finally {
        reading = false;
        if (ended.signal.aborted) file.close();
        if (signal.aborted && !isOver) controller.error(signal.reason);
      }
    },
    cancel() {
      isOver = true;
      end();
    },
  }, { highWaterMark: 0 });
}
