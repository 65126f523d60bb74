/**
 * Who has a key and can be asked for it: what is remembered here, then what the
 * network knows, without those that are gone or said that they have it no more.
 *
 * @module
 */

import { boundedMap } from "../../async/bounded_map.ts";
import type { Peer } from "../router.ts";
import type { Lookups } from "./lookup.ts";
import type { MemberRecord } from "./member.ts";
import type { Membership } from "./membership.ts";
import { kadKey } from "./position.ts";
import { type Candidate, ranked } from "./ranking.ts";
import type { Records } from "./records.ts";

/** What finding holders needs of other parts. */
export interface HoldersDeps {
  readonly membership: Pick<Membership, "members" | "links" | "keeper">;
  readonly records: Records;
  readonly lookups: Lookups;
  /** Seconds of a clock that does not go back. */
  readonly seconds: () => number;
}

/** Holders of keys. */
export interface Holders {
  /** Finds them, best first; never this node. */
  find(key: string, signal: AbortSignal): AsyncIterable<Peer>;
  /** A peer said that it has not got a key. */
  forget(key: string, peer: Peer): void;
  /** A peer tells of a key, anew perhaps. */
  told(key: Uint8Array, id: string): void;
}

/**
 * Seconds for which a holder that has lost a key counts as without it here. It
 * withdraws, too, but that may be late.
 */
const FORGOTTEN_S = 60;
const MAX_FORGOTTEN = 10_000;

/** A member that has a key. */
interface Holder extends Candidate {
  readonly record: MemberRecord;
}

/** Makes the search for holders. */
export function holders(deps: HoldersDeps): Holders {
  const { membership: { members, links, keeper }, records } = deps;
  const { lookups, seconds } = deps;
  const forgotten = boundedMap<string, number>(MAX_FORGOTTEN);
  const self = members.self().record;

  function holder(id: string): Holder | null {
    const record = members.get(id)?.record;
    if (!record || keeper.suspects(id)) return null;
    const rttMs = links.get(id)?.talk.rttMs ?? null;
    return { record, zone: record.zone, rttMs };
  }

  return {
    async *find(key, signal) {
      const bytes = kadKey(key);
      const told = new Set([self.id]);
      const fresh = (ids: readonly string[]) => {
        const usable = ids.filter((id) => !told.has(id))
          .filter((id) => (forgotten.get(pair(bytes, id)) ?? 0) <= seconds())
          .flatMap((id) => holder(id) ?? []);
        return ranked(usable, self.zone);
      };
      for (const { record } of fresh(records.get(bytes, seconds()))) {
        if (signal.aborted) return;
        told.add(record.id);
        yield toPeer(record);
      }
      for await (const ids of lookups.find(bytes, signal)) {
        for (const { record } of fresh(ids)) {
          if (signal.aborted) return;
          told.add(record.id);
          yield toPeer(record);
        }
      }
    },
    forget(key, { id }) {
      const bytes = kadKey(key);
      records.remove(bytes, id);
      forgotten.set(pair(bytes, id), seconds() + FORGOTTEN_S);
    },
    told: (key, id) => void forgotten.delete(pair(key, id)),
  };
}

function pair(key: Uint8Array, id: string): string {
  return `${key.toBase64()} ${id}`;
}

/**
 * Tells of a member what the rest of a node needs.
 *
 * @param record The member
 * @returns The peer
 */
export function toPeer({ id, address, zone }: MemberRecord): Peer {
  return { id, address, zone };
}
