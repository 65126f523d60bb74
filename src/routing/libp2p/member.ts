/**
 * A member of the network as members tell each other of it.
 *
 * @module
 */

/** One node, alive or gone. */
export interface MemberRecord {
  /** Its libp2p id, as text. */
  readonly id: string;
  /** Which word on it is newer: only the member itself makes it grow. */
  readonly seq: number;
  /** `host:port` of its routers' listeners; IPv6 in brackets. */
  readonly routers: readonly string[];
  /** `host:port` of its peer listener. */
  readonly address: string;
  /** Where it is, as its operator named it; empty for nowhere in particular. */
  readonly zone: string;
  /** True when it is gone, as somebody found who could not reach it. */
  readonly down?: boolean;
}

/** Addresses of one member's router: one of each family, and room. */
const MAX_ROUTERS = 4;

/** Bytes of a zone's name; Kubernetes' label values have 63. */
const MAX_ZONE = 64;

const ID = /^[1-9A-HJ-NP-Za-km-z]{40,64}$/;
const HOST_PORT =
  /^(?:\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9.-]{1,253}):[0-9]{1,5}$/;

/**
 * Reads a member that another node told of.
 *
 * @param value Anything that was in JSON
 * @returns The record; null when it is malformed
 */
export function readMember(value: unknown): MemberRecord | null {
  if (typeof value !== "object" || value === null) return null;
  const { id, seq, routers, address, zone, down } = value as Record<
    string,
    unknown
  >;
  const valid = typeof id === "string" && ID.test(id) &&
    Number.isSafeInteger(seq) && Array.isArray(routers) &&
    routers.length <= MAX_ROUTERS && routers.every(isHostPort) &&
    (isHostPort(address) || address === "") &&
    typeof zone === "string" && zone.length <= MAX_ZONE;
  if (!valid) return null;
  return {
    id,
    seq: seq as number,
    routers: routers as string[],
    address: address as string,
    zone,
    ...(down === true ? { down } : {}),
  };
}

function isHostPort(value: unknown): value is string {
  return typeof value === "string" && HOST_PORT.test(value) &&
    Number(value.slice(value.lastIndexOf(":") + 1)) <= 65_535;
}
