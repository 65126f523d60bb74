/**
 * An answer that no further try changes.
 *
 * @module
 */

/** Thrown where asking again is of no use. */
export class FinalError extends Error {
  override readonly name = "FinalError";
}
