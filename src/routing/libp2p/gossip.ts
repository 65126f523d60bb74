/**
 * Passing news on: what comes within a moment goes out together, to all members
 * that this node is connected to while they are few, else to some of them. What
 * does not reach somebody that way, the comparison of tables mends.
 *
 * @module
 */

import type { Link } from "./links.ts";
import type { MemberRecord } from "./member.ts";

/** News that go out. */
export interface Gossip extends Disposable {
  /** Takes news. */
  add(record: MemberRecord): void;
}

/** Milliseconds for which news are gathered. */
const GATHER_MS = 50;

/** Members that are told; each tells as many, so that 1,000 know after 3 steps. */
const FAN_OUT = 12;

/**
 * Makes the news that go out.
 *
 * @param links Who may be told
 * @returns No news yet
 */
export function gossip(links: () => Iterable<Link>): Gossip {
  const news = new Map<string, MemberRecord>(); // The latest of each member.
  let timer: ReturnType<typeof setTimeout> | undefined;

  function flush(): void {
    timer = undefined;
    const records = [...news.values()];
    news.clear();
    for (const link of someOf([...links()])) link.talk.tell(records);
  }

  return {
    add(record) {
      news.set(record.id, record);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

function someOf(links: Link[]): Link[] {
  if (links.length <= FAN_OUT) return links;
  return Array.from(
    { length: FAN_OUT },
    () => links.splice(Math.floor(Math.random() * links.length), 1),
  ).flat();
}
