/**
 * Puts Peili's lines into the user's text of a `hosts.toml` so that every
 * containerd asks their hosts first. Pure: no files.
 * @module
 */

import { endpointKey } from "./endpoint.ts";
import { type HostsFile, parseHostsToml } from "./hosts_toml.ts";
import { joinText, type Region, splitText, switchOff } from "./region.ts";
import { type TomlStatement, tomlStatements } from "./toml_statements.ts";

/**
 * Puts the region where it counts: after the user's keys, before his hosts.
 * Hosts of his that are in the region too are put out.
 *
 * @throws {SyntaxError} when it cannot be done; the message says what to do.
 */
export function composeText(user: string, region: Region): string {
  const urls = new Set<string>();
  // Of two deployments with one target, the first has it.
  const lines = region.parts.map((part) => {
    const shown = switchedOff(part.text, urls);
    part.urls.forEach((url) => urls.add(endpointKey(url)));
    return shown;
  });
  const on = switchedOff(user, urls);
  const text = joinText(on, region, { at: placeIn(on), lines });
  if (splitText(text).user !== user) {
    throw new SyntaxError("Peili cannot add to it so that it can be undone");
  }
  const inRegion = region.parts.flatMap((part) =>
    parseHostsToml(part.text).hosts.map(({ url }) => endpointKey(url))
  );
  if (!isInOrder(text, new Set(inRegion))) {
    throw new SyntaxError(
      'its hosts are not all written as [host."URL"], and containerd 2 reads ' +
        "no others; write them so and run configure again",
    );
  }
  return text;
}

/** A text with the tables of these hosts put out. */
function switchedOff(text: string, keys: ReadonlySet<string>): string {
  return tablesOf(text, (url) => keys.has(endpointKey(url)))
    .reduceRight(
      (rest, { start, end }) =>
        rest.slice(0, start) + switchOff(rest.slice(start, end)) +
        rest.slice(end),
      text,
    );
}

/** What is in the region must be asked first, by every version of containerd. */
function isInOrder(text: string, inRegion: ReadonlySet<string>): boolean {
  let hosts: HostsFile["hosts"];
  try {
    ({ hosts } = parseHostsToml(text));
  } catch (error) {
    // Hosts in one line: a table that no header can add to.
    const inLine = tomlStatements(text).some(({ kind, path }) =>
      kind === "key" && path[0] === "host" && path.length === 1
    );
    if (inLine) return false;
    throw error;
  }
  const order = [
    ...new Set(
      tomlStatements(text).filter(isHostTable).map(({ path }) => path[1]),
    ),
  ];
  const first = hosts.slice(0, inRegion.size).map(({ url }) =>
    endpointKey(url)
  );
  const plain = hosts.every(({ url }, index) => url === order[index]);
  return plain && first.every((key) => inRegion.has(key));
}

/** Before the first header, and before the comment that belongs to it. */
function placeIn(text: string): number {
  const header = tomlStatements(text).find(({ kind }) => kind === "table");
  if (!header) return text.length;
  let at = header.start;
  while (at > 0) {
    const above = text.lastIndexOf("\n", at - 2) + 1;
    if (!/^[ \t]*#/.test(text.slice(above, at))) return at;
    at = above;
  }
  // A comment that the file begins with may be one that its writer looks for.
  return header.start;
}

function isHostTable({ kind, path }: TomlStatement): boolean {
  return kind === "table" && path[0] === "host" && path.length > 1;
}

/** From a host's header to the next header that is not one of its own. */
function tablesOf(
  text: string,
  matches: (url: string) => boolean,
): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let inside = false;
  for (const statement of tomlStatements(text)) {
    const { kind, path: [, url = ""], start, end } = statement;
    if (kind === "table") inside = isHostTable(statement) && matches(url);
    if (inside) found.push({ start, end });
  }
  return found;
}

/** A text without the tables of these hosts. */
export function withoutTables(text: string, urls: readonly string[]): string {
  const keys = new Set(urls.map(endpointKey));
  return tablesOf(text, (url) => keys.has(endpointKey(url)))
    .reduceRight(
      (rest, { start, end }) => rest.slice(0, start) + rest.slice(end),
      text,
    ).replace(/^\n+/, "");
}
