/**
 * The `http(s)://host[:port]` of a registry or a mirror, checked so that
 * containerd and Peili understand the same thing by it.
 * @module
 */

/** A checked endpoint. */
export interface Endpoint {
  /** As it was given. */
  url: string;
  /** `host[:port]` as it was given, IPv6 in brackets. */
  authority: string;
  /** The same for two spellings of one endpoint. */
  key: string;
}

/**
 * Checks `http(s)://host[:port]`.
 *
 * @param what how to call it in the message, such as `mirror target`.
 * @throws {TypeError} when it is anything else; the message says what is
 * allowed.
 */
export function parseEndpoint(text: string, what: string): Endpoint {
  const [, authority] = /^https?:\/\/([\w.\-[\]:]+)$/.exec(text) ?? [];
  if (authority === undefined) {
    throw rejected(
      what,
      text,
      "it must be http(s)://host[:port] without path, query or user",
    );
  }
  if (!authority.startsWith("[") && authority.split(":").length > 2) {
    throw rejected(
      what,
      text,
      "an IPv6 address needs brackets, as in http://[fd00::1]:30020",
    );
  }
  const url = URL.parse(text);
  if (!url || authority.endsWith(":")) {
    throw rejected(what, text, "its host or port is not valid");
  }
  return { url: text, authority, key: endpointKey(text) };
}

/**
 * Puts an IPv6 address into brackets. Where an address comes from a variable,
 * as a node's in Kubernetes, nobody else can: `http://fd00::1:30020`. The last
 * group is its port then, for a mirror has one.
 */
export function bracketed(text: string): string {
  const [, scheme = "", address, port = ""] =
    /^(https?:\/\/)([0-9a-fA-F:.]*:[0-9a-fA-F:.]*):(\d{1,5})$/.exec(text) ?? [];
  const inBrackets = `${scheme}[${address}]:${port}`;
  return address !== undefined && URL.canParse(inBrackets) ? inBrackets : text;
}

/** Whether an endpoint is this machine only, or no place to connect to. */
export function isLoopback({ url }: Endpoint): boolean {
  const { hostname } = new URL(url);
  return /^(?:(?:.*\.)?localhost|127\..*|0\.0\.0\.0|\[::1?\]|\[::ffff:7f.*)$/
    .test(hostname);
}

/** The key of a host as containerd reads it: without a scheme it is https. */
export function endpointKey(text: string): string {
  const url = URL.parse(text.startsWith("http") ? text : `https://${text}`);
  return url ? url.href : text;
}

function rejected(what: string, text: string, why: string): TypeError {
  return new TypeError(`Cannot use ${what} ${JSON.stringify(text)}: ${why}`);
}
