/**
 * Multiaddrs, as far as Peili uses them: TCP on an IP or a name, and perhaps the
 * id of who listens there. <https://multiformats.io/multiaddr/>
 *
 * @module
 */

/** Where a node's router listens. */
export interface RouterAddress {
  /** An IP, IPv6 without brackets, or a name. */
  readonly hostname: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Its id, when it is known. */
  readonly id?: string;
}

const FORM =
  /^\/(ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/([0-9]{1,5})(?:\/p2p\/([a-zA-Z0-9]{32,128}))?\/?$/;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

const NAME =
  /^(?=.{1,254}$)(?:[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?(?:\.|$))+$/;

/**
 * Writes an address.
 *
 * @param address Where
 * @returns The multiaddr; equal IPs give equal texts, however they were written
 * @throws {TypeError} If it is no address
 */
export function formatMultiaddr(address: RouterAddress): string {
  const { hostname, port, id } = address;
  const end = `/tcp/${port}${id ? `/p2p/${id}` : ""}`;
  if (IPV4.test(hostname)) return `/ip4/${hostname}${end}`;
  if (hostname.includes(":")) {
    const url = URL.parse(`http://[${hostname}]/`);
    if (url) return `/ip6/${url.hostname.slice(1, -1)}${end}`;
  } else if (isName(hostname)) return `/dns/${hostname}${end}`;
  throw new TypeError(`Cannot use ${hostname}: no IP and no name`);
}

/**
 * Reads a multiaddr and writes it as {@linkcode formatMultiaddr} does.
 *
 * @param text Who knows what
 * @returns The multiaddr, or null when it is none that Peili can use
 */
export function parseMultiaddr(text: string): string | null {
  const [, kind = "", hostname = "", digits, id] = FORM.exec(text) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65535)) return null;
  if (kind.startsWith("dns")) {
    const end = `/tcp/${port}${id ? `/p2p/${id}` : ""}`;
    return isName(hostname) ? `/${kind}/${hostname}${end}` : null;
  }
  try {
    const text = formatMultiaddr({ hostname, port, ...(id ? { id } : {}) });
    return text.startsWith(`/${kind}/`) ? text : null;
  } catch {
    return null;
  }
}

/**
 * Takes the id off a multiaddr.
 *
 * @param multiaddr As {@linkcode parseMultiaddr} gives it
 * @returns Where, and who is there, "" when that is not known
 */
export function splitId(multiaddr: string): readonly [string, string] {
  const [where = "", id = ""] = multiaddr.split("/p2p/");
  return [where, id];
}

/**
 * Tells whether a text is a DNS name, perhaps with the dot that ends it.
 *
 * @param text Who knows what
 */
export function isName(text: string): boolean {
  return NAME.test(text) && !IPV4.test(text);
}
