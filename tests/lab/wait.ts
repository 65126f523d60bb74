/** Waits for a condition with a budget, and shows the log when it fails. @module */

/** How long to wait, and what to show when it was in vain. */
export interface WaitOptions {
  budgetMs: number;
  /** The log file whose end the error shows. */
  log?: string;
  /** When this turns false there is nothing left to wait for. */
  alive?: () => boolean;
}

/** Between two looks: short beside a containerd's start of about 150 ms. */
const LOOK_EVERY_MS = 25;

/** Lines of the log that an error shows. */
const TAIL_LINES = 20;

/** The last lines of a file, or a word about why there are none. */
export async function tailOf(path: string): Promise<string> {
  try {
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    return lines.slice(-TAIL_LINES).join("\n");
  } catch (error) {
    return `(${error})`;
  }
}

/**
 * Looks again and again until `probe` gives true. A probe that throws counts
 * as "not yet"; what it threw is the cause of the final error.
 *
 * @throws {Error} when the budget is used up, or `alive` turns false.
 */
export async function waitFor(
  what: string,
  probe: () => Promise<boolean> | boolean,
  { budgetMs, log, alive }: WaitOptions,
): Promise<void> {
  const end = performance.now() + budgetMs;
  let cause: unknown;
  while (true) {
    try {
      if (await probe()) return;
    } catch (error) {
      cause = error;
    }
    const ended = alive?.() === false;
    if (ended || performance.now() > end) {
      const why = ended ? "its process has ended" : `waited ${budgetMs} ms`;
      const tail = log ? `\n--- ${log}\n${await tailOf(log)}` : "";
      throw new Error(`Cannot wait for ${what}: ${why}${tail}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
