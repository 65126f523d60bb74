/**
 * What this node answers as one of the DHT's peers.
 *
 * @module
 */

import { multiaddrBytes } from "./addresses.ts";
import { idBytes } from "./host.ts";
import type { KadPeer } from "./kad_message.ts";
import type { KadAnswers } from "./kad_server.ts";
import type { MemberRecord } from "./member.ts";
import type { Members } from "./members.ts";
import { positionOf } from "./position.ts";
import { VALIDITY_S } from "./provide.ts";
import type { Records } from "./records.ts";

/** What answers need of other parts. */
export interface AnswersDeps {
  readonly members: Members;
  readonly records: Records;
  /** Peers that an answer names as near to a key. */
  readonly replicas: number;
  /** Seconds of a clock that does not go back. */
  readonly seconds: () => number;
  /** Hears who tells of which key. */
  readonly onAdd: (key: Uint8Array, sender: string) => void;
}

/** Makes the answers. */
export function kadAnswers(deps: AnswersDeps): KadAnswers {
  const { members, records, replicas, seconds, onAdd } = deps;
  return {
    add(key, sender) {
      records.put(key, sender, seconds() + VALIDITY_S);
      onAdd(key, sender);
    },
    remove: (key, sender) => records.remove(key, sender),
    providers: (key) =>
      records.get(key, seconds()).flatMap((id) => {
        const member = members.get(id);
        return member ? [toKadPeer(member.record)] : []; // The dead have nothing.
      }),
    closest: (key) =>
      members.closest(positionOf(key), replicas).map(({ record }) =>
        toKadPeer(record)
      ),
  };
}

function toKadPeer({ id, routers }: MemberRecord): KadPeer {
  return {
    id: idBytes(id),
    addresses: routers.map(multiaddrBytes),
  };
}
