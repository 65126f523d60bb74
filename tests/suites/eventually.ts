/**
 * Waiting for what will come, without guessing when.
 *
 * @module
 */

/** Milliseconds until a test that waits has failed; nothing needs a tenth. */
const PATIENCE_MS = 20_000;

/** Milliseconds between two looks. */
const LOOK_MS = 5;

/**
 * Waits until a condition holds.
 *
 * @param what The condition in words
 * @param holds Looks
 * @param patienceMs Milliseconds until it has failed
 * @throws {Error} If it does not come true
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
