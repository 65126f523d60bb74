/**
 * Sets one key in a text of TOML by the smallest edit, and takes that edit out
 * again: comments, order and spelling of all else stay. Pure: no files.
 * @module
 */

import { stringify } from "smol-toml";
import { tomlStatements } from "./toml_statements.ts";

/** After what Peili added, and after what it changed, with what was there. */
const ADDED = "# peili: added";
const JOINED = `${ADDED} with the end of the line above`;
const WAS = "# peili: was ";

/**
 * Sets a key to a text. The table is added at the end where it is not there.
 *
 * @param names the table's names from the root on, and the key's.
 */
export function setKey(
  text: string,
  names: readonly string[],
  value: string,
): string {
  const literal = JSON.stringify(value);
  const statements = tomlStatements(text);
  const set = statements.find(({ kind, path }) =>
    kind === "key" && isSame(path, names)
  )?.value;
  if (set) {
    const { was, end } = oldValue(text, set);
    return `${text.slice(0, set.start)}${literal} ` +
      WAS + JSON.stringify(was) + text.slice(end);
  }
  const table = names.slice(0, -1);
  const line = `${names.at(-1)} = ${literal} ${ADDED}\n`;
  const header = statements.find(({ kind, path }) =>
    kind === "table" && isSame(path, table)
  );
  if (!header) {
    const opening = headerOf(table);
    if (text === "" || text.endsWith("\n")) {
      return `${text}${opening} ${ADDED}\n  ${line}`;
    }
    return `${text}\n${opening} ${JOINED}\n  ${line}`;
  }
  const indent = /^[ \t]*/.exec(text.slice(header.start))?.[0] ?? "";
  const above = text.slice(0, header.end);
  return above.endsWith("\n")
    ? `${above}${indent}  ${line}${text.slice(header.end)}`
    : `${above}\n${indent}  ${line.replace(ADDED, JOINED)}`;
}

/** Takes out every edit of `setKey`; a text without one comes back as it is. */
export function unsetKeys(text: string): string {
  return text
    .replace(
      /"(?:[^"\\\n]|\\.)*" # peili: was ("(?:[^"\\\n]|\\.)*")/g,
      (_, was: string) => JSON.parse(was),
    )
    .replace(/^[^\n]*# peili: added\r?(?:\n|$)/gm, "")
    // The end of the line above goes with it, unless something came after it.
    .replace(
      /\n[^\n]*# peili: added with the end of the line above\r?(?:\n?(?![^])|(?=\n))/g,
      "",
    );
}

/** A text whose every line is Peili's. */
export function ownText(lines: readonly string[]): string {
  return lines.map((line) => `${line} ${ADDED}\n`).join("");
}

/** Set a second time, what is remembered is what was there at first. */
function oldValue(
  text: string,
  { start, end }: { start: number; end: number },
): { was: string; end: number } {
  const after = / # peili: was ("(?:[^"\\\n]|\\.)*")/y;
  after.lastIndex = end;
  const [all, was] = after.exec(text) ?? [];
  return all && was
    ? { was: JSON.parse(was), end: end + all.length }
    : { was: text.slice(start, end), end };
}

function headerOf(names: readonly string[]): string {
  const table = names.reduceRight<object>(
    (inner, name) => ({ [name]: inner }),
    {},
  );
  return stringify(table).trim().split("\n").at(-1) ?? "";
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
