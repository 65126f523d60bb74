/**
 * Doing something once nothing has gone on for a while.
 *
 * @module
 */

/** When it is done, and what. */
export interface AtRestOptions {
  /** Milliseconds without work. */
  readonly quietMs: number;
  /** Is called once after that, and again only after more work. */
  readonly act: () => void;
}

/** Is told that something has ended, and whether it was work. */
export type Ended = (what: { readonly work: boolean }) => void;

/** Knows whether something goes on; disposing of it forgets what is due. */
export interface AtRest extends Disposable {
  /**
   * Something begins. Nothing is done before it has ended.
   *
   * @returns Is called once, when it has ended
   */
  begin(): Ended;
}

/**
 * Starts as if work had just ended.
 *
 * @param options When it is done, and what
 * @returns What is told of all that goes on
 */
export function atRest({ quietMs, act }: AtRestOptions): AtRest {
  let running = 0;
  let due = true;
  let workedAt = performance.now();
  let timer: ReturnType<typeof setTimeout> | null = setTimeout(look, quietMs);

  // One timer for all that ends meanwhile: there are thousands a second.
  function look(): void {
    timer = null;
    if (running > 0) return; // The last that ends sets a new one.
    const left = workedAt + quietMs - performance.now();
    if (left > 0) {
      timer = setTimeout(look, left);
      return;
    }
    due = false;
    act();
  }

  function end(work: boolean): void {
    running--;
    if (work) {
      due = true;
      workedAt = performance.now();
    }
    if (due && running === 0) timer ??= setTimeout(look, quietMs);
  }

  let over = false;
  return {
    begin() {
      running++;
      return ({ work }) => {
        if (!over) end(work);
      };
    },
    [Symbol.dispose]() {
      over = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
