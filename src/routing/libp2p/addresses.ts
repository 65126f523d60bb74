/**
 * Addresses between `host:port`, as Peili writes them, and multiaddresses, as
 * libp2p does.
 *
 * https://github.com/multiformats/multiaddr
 *
 * @module
 */

import type { Multiaddr } from "@multiformats/multiaddr";
import { multiaddr } from "./packages.ts";
import { formatMultiaddr, parseMultiaddr } from "../bootstrap/multiaddr.ts";

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
 * @param id The peer that must be there; none: whoever is
 * @returns The multiaddress
 */
export function toMultiaddr(address: string, id?: string): string {
  const { host: hostname, port } = splitAddress(address);
  return formatMultiaddr({ hostname, port, ...(id ? { id } : {}) });
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
 * @returns Its text; null when they are none
 */
export function readMultiaddr(bytes: Uint8Array): string | null {
  try {
    return parseMultiaddr(multiaddr(bytes).toString());
  } catch {
    return null; // A kind that this version does not know.
  }
}

/**
 * Writes the bytes of libp2p's form of an address.
 *
 * @param address `host:port`
 * @returns As a message has them
 */
export function multiaddrBytes(address: string): Uint8Array {
  return multiaddr(toMultiaddr(address)).bytes;
}

/** IPv4 peers of a listener for both families have IPv6 addresses. */
function withoutMapping(host: string): string {
  return host.replace(/^::ffff:(?=[0-9.]+$)/, "");
}
