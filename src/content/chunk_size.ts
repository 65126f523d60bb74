/**
 * How much of a file is read at once: all bodies that are being sent share what
 * is in memory, so that many of them do not take more than a few.
 *
 * @module
 */

/**
 * Bytes of one read at most. 256 KiB is as fast as 1 MiB here; 64 KiB reads cost
 * half the throughput of a single stream.
 */
const MAX_BYTES = 256 << 10;

/** Bytes of one read at least: below this, calls cost more than bytes. */
const MIN_BYTES = 16 << 10;

/**
 * Bytes of one read of each body, together. With 256 KiB whatever their number,
 * 200 slow readers of 3 MiB made a process 165 MiB large, with this 98; a pod may
 * have 128.
 */
const TOGETHER_BYTES = 4 << 20;

/** One body's part. */
export interface ChunkSize extends Disposable {
  /** Bytes that it may read now. */
  bytes(): number;
}

let bodies = 0; // Of the process, as its memory is.

/**
 * Counts a body.
 *
 * @returns Its part, until it is disposed of; more than once does no harm
 */
export function chunkSize(): ChunkSize {
  let counts = true;
  bodies++;
  return {
    bytes: () =>
      Math.max(MIN_BYTES, Math.min(MAX_BYTES, TOGETHER_BYTES / bodies | 0)),
    [Symbol.dispose]() {
      if (counts) bodies--;
      counts = false;
    },
  };
}
