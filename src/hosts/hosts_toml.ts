/**
 * The text of containerd's `hosts.toml`, to and from a value. Pure: no files.
 * @module
 */

import { parse, stringify } from "smol-toml";

/** A table of TOML. Its values are what smol-toml reads, and writes back. */
export type TomlTable = Record<string, unknown>;

/** Settings that containerd knows for a host, and for the `server` as well. */
export interface HostSettings {
  /** What the host is asked for; absent means everything, push included. */
  capabilities?: string[];
  /** A Go duration such as `1s`; read by containerd 2.1 and later. */
  dialTimeout?: string;
  /** CA files, absolute or relative to the folder of the file. */
  ca?: string | string[];
  /** Client certificates: PEM files, or pairs of certificate and key. */
  client?: string | (string | string[])[];
  /** Whether the server's certificate goes unchecked. */
  skipVerify?: boolean;
  /** Headers that go with every request to the host. */
  header?: Record<string, string | string[]>;
  /** Whether the URL's path is the API root, so that `/v2` is not added. */
  overridePath?: boolean;
  /** Keys that this module does not know, as they were read. */
  other?: TomlTable;
}

/** One `[host."<url>"]` table: a mirror that is asked before the server. */
export interface HostEntry extends HostSettings {
  /** The key of the table as written: usually a URL, a bare host is allowed. */
  url: string;
}

/**
 * A whole `hosts.toml`. The settings on this level are those of the server,
 * and apply to the default server when `server` is absent.
 */
export interface HostsFile extends HostSettings {
  /** Asked last; absent means the registry that the image name tells. */
  server?: string;
  /** The mirrors, in the order in which containerd asks them. */
  hosts: HostEntry[];
}

/** How a setting is written in the file, and which shapes containerd takes. */
interface Field {
  name: keyof Omit<HostSettings, "other">;
  key: string;
  takes: string;
  fits: (value: unknown) => boolean;
}

/** In the order in which they are written. */
const FIELDS: readonly Field[] = [
  {
    name: "capabilities",
    key: "capabilities",
    takes: "a list of strings",
    fits: isStrings,
  },
  {
    name: "dialTimeout",
    key: "dial_timeout",
    takes: "a string",
    fits: isString,
  },
  {
    name: "ca",
    key: "ca",
    takes: "a string or a list of strings",
    fits: isStringOrStrings,
  },
  {
    name: "client",
    key: "client",
    takes: "a string, or a list of strings or pairs of strings",
    fits: (value) =>
      isString(value) ||
      Array.isArray(value) &&
        value.every((item) =>
          isString(item) || isStrings(item) && item.length === 2
        ),
  },
  {
    name: "skipVerify",
    key: "skip_verify",
    takes: "true or false",
    fits: isBoolean,
  },
  {
    name: "overridePath",
    key: "override_path",
    takes: "true or false",
    fits: isBoolean,
  },
  {
    name: "header",
    key: "header",
    takes: "a table of strings or lists of strings",
    fits: (value) =>
      isTable(value) && Object.values(value).every(isStringOrStrings),
  },
];

/**
 * Reads the text of a `hosts.toml`, keeping the file's order of the hosts and
 * every key that it does not know.
 *
 * @throws {SyntaxError} when it is not TOML, or a known key has a shape that
 * containerd rejects: containerd ignores such a file as a whole.
 */
export function parseHostsToml(text: string): HostsFile {
  const { server, host, ...rest } = parseToml(text);
  if (server !== undefined && !isString(server)) {
    throw wrongShape("server", "a string");
  }
  if (host !== undefined && !isTable(host)) throw wrongShape("host", "a table");
  const hosts = Object.entries(host ?? {}).map(([url, table]): HostEntry => {
    const key = `host.${JSON.stringify(url)}`;
    if (!isTable(table)) throw wrongShape(key, "a table");
    return { url, ...settingsOf(table, `${key}.`) };
  });
  // An empty server means to containerd what an absent one means.
  return { ...(server ? { server } : {}), ...settingsOf(rest, ""), hosts };
}

/** Writes a value as text that containerd 1.6 to 2.3 reads. */
export function formatHostsToml(file: HostsFile): string {
  const { server, hosts, ...settings } = file;
  const root = formatTable({
    ...(server === undefined ? {} : { server }),
    ...tableOf(settings),
  });
  return [root, ...hosts.map(formatHost)].filter((part) => part !== "")
    .join("\n");
}

/**
 * Always with a line of its own for the host, also where only a sub-table
 * follows: containerd finds the hosts and their order by these lines.
 */
function formatHost({ url, ...settings }: HostEntry): string {
  const opening = formatTable({ host: { [url]: {} } });
  const text = formatTable({ host: { [url]: tableOf(settings) } });
  return text.startsWith(opening) ? text : `${opening}\n${text}`;
}

function formatTable(table: TomlTable): string {
  if (Object.keys(table).length === 0) return "";
  // Integers are read as bigint, so each number here was written as a float.
  return stringify(table, { numbersAsFloat: true });
}

function parseToml(text: string): TomlTable {
  try {
    // `true` keeps integers apart from floats, so both are written back alike.
    return parse(text, { integersAsBigInt: true });
  } catch (cause) {
    const [why] = cause instanceof Error ? cause.message.split("\n") : [];
    throw new SyntaxError(`Cannot read hosts.toml: ${why ?? "not TOML"}`, {
      cause,
    });
  }
}

function settingsOf(table: TomlTable, path: string): HostSettings {
  const other = { ...table };
  const known: Record<string, unknown> = {};
  for (const { name, key, takes, fits } of FIELDS) {
    const value = other[key];
    if (value === undefined) continue;
    if (!fits(value)) throw wrongShape(path + key, takes);
    known[name] = value;
    delete other[key];
  }
  return Object.keys(other).length === 0 ? known : { ...known, other };
}

function tableOf({ other, ...known }: HostSettings): TomlTable {
  const table: TomlTable = {};
  for (const { name, key } of FIELDS) {
    const value = known[name];
    if (value !== undefined) table[key] = value;
  }
  return { ...table, ...other };
}

function wrongShape(key: string, takes: string): SyntaxError {
  return new SyntaxError(`Cannot read hosts.toml: ${key} is not ${takes}`);
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isString);
}

function isStringOrStrings(value: unknown): boolean {
  return isString(value) || isStrings(value);
}

function isTable(value: unknown): value is TomlTable {
  // A date of TOML is an object too, but one with a class.
  return typeof value === "object" && value !== null &&
    (Object.getPrototypeOf(value) ?? Object.prototype) === Object.prototype;
}
