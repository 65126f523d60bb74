/**
 * Time that passes only from one event to the next.
 *
 * @module
 */

/** Events in the order of their times. */
export interface SimulatedTime {
  /** Milliseconds since the beginning. */
  now(): number;
  /** Lets something happen after so many milliseconds; equal times keep their order. */
  after(ms: number, happen: () => void): void;
  /** Lets all happen that is due until then. */
  runUntil(ms: number): void;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly happen: () => void;
}

/** Makes a time in which nothing is due. */
export function simulatedTime(): SimulatedTime {
  const heap: Due[] = [];
  let now = 0;
  let order = 0;

  function push(due: Due): void {
    let child = heap.length;
    heap.push(due);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(heap[child], heap[parent])) return;
      swap(heap, child, parent);
      child = parent;
    }
  }

  function pop(): Due | undefined {
    const [first] = heap;
    const last = heap.pop();
    if (last && heap.length > 0) heap[0] = last;
    for (let parent = 0;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (isBefore(heap[child], heap[least])) least = child;
      }
      if (least === parent) return first;
      swap(heap, parent, least);
      parent = least;
    }
  }

  return {
    now: () => now,
    after: (ms, happen) => push({ at: now + ms, order: order++, happen }),
    runUntil(ms) {
      for (let [next] = heap; next && next.at <= ms; [next] = heap) {
        pop();
        now = next.at;
        next.happen();
      }
      now = ms;
    },
  };
}

function isBefore(a: Due | undefined, b: Due | undefined): boolean {
  if (!a || !b) return false;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function swap(heap: Due[], a: number, b: number): void {
  const [one, other] = [heap[a], heap[b]];
  if (one && other) [heap[a], heap[b]] = [other, one];
}
