/**
 * Addresses between `host:port`, as Peili writes them, and multiaddresses, as
 * libp2p does.
 *
 * https://github.com/multiformats/multiaddr
 *
 * @module
 */

import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";

/** An address in two parts; IPv6 without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port`.
 *
 * @param address IPv6 in brackets
 * @returns Its parts
 */
export function splitAddress(address: string): HostPort {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(address.slice(colon + 1)) };
}

/**
 * Writes `host:port`.
 *
 * @param address Its parts
 * @returns One text, IPv6 in brackets
 */
export function joinAddress({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Makes libp2p's form of an address.
 *
 * @param address `host:port`; a host is an IP or a name
 * @param id The peer that must be there; null: whoever is
 * @returns The multiaddress
 */
export function toMultiaddr(address: string, id: string | null): Multiaddr {
  const { host, port } = splitAddress(address);
  const peer = id === null ? "" : `/p2p/${id}`;
  return multiaddr(`/${kindOf(host)}/${host}/tcp/${port}${peer}`);
}

function kindOf(host: string): string {
  if (host.includes(":")) return "ip6";
  return /^[0-9.]+$/.test(host) ? "ip4" : "dns";
}

/**
 * Reads libp2p's form of an address.
 *
 * @param address An IP or a name, and a TCP port
 * @returns `host:port`; null when it is of another kind
 */
export function fromMultiaddr(address: Multiaddr): string | null {
  let host: string | undefined;
  for (const { name, value } of address.getComponents()) {
    if (/^(?:ip[46]|dns[46]?)$/.test(name)) host = value;
    if (name === "tcp" && host && value) {
      return joinAddress({ host: withoutMapping(host), port: Number(value) });
    }
  }
  return null;
}

/**
 * Reads the bytes of libp2p's form of an address.
 *
 * @param bytes As a message has them
 * @returns `host:port`; null when they are none, or of another kind
 */
export function readMultiaddr(bytes: Uint8Array): string | null {
  try {
    return fromMultiaddr(multiaddr(bytes));
  } catch {
    return null; // A kind that this version does not know.
  }
}

/** IPv4 peers of a listener for both families have IPv6 addresses. */
function withoutMapping(host: string): string {
  return host.replace(/^::ffff:(?=[0-9.]+$)/, "");
}
