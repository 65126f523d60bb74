/**
 * Where in a text of TOML its statements are: what is changed in a file of the
 * user's is changed in place, so that comments and spelling stay. Pure.
 * @module
 */

import { parse } from "smol-toml";

/** A header such as `[host."x"]`, or a line such as `key = value`. */
export interface TomlStatement {
  readonly kind: "table" | "key";
  /** All names from the root on; of a key with those of its table. */
  readonly path: readonly string[];
  /** Where its first line begins. */
  readonly start: number;
  /** Where the line after its last one begins, or the text ends. */
  readonly end: number;
  /** Where the value of a key is, without spaces and comment. */
  readonly value?: { readonly start: number; readonly end: number };
}

/**
 * Lists the statements in their order. Comments and empty lines are none.
 *
 * @param text TOML that a parser has accepted.
 */
export function tomlStatements(text: string): TomlStatement[] {
  const statements: TomlStatement[] = [];
  let table: readonly string[] = [];
  // Notepad of Windows begins a text with a mark, which the parser skips.
  const begin = text.startsWith("\ufeff") ? 1 : 0;
  for (let start = begin; start < text.length;) {
    const first = skipSpaces(text, start);
    if (text[first] === "[") {
      const close = skipValue(text, first);
      table = namesOf(text.slice(first, close).replace(/^\[+|\]+$/g, ""));
      const end = nextLine(text, close);
      statements.push({ kind: "table", path: table, start, end });
      start = end;
      continue;
    }
    if (first === text.length || /[#\r\n]/.test(text[first] ?? "")) {
      start = nextLine(text, first);
      continue;
    }
    const equals = skipKey(text, first);
    const value = skipSpaces(text, equals + 1);
    const valueEnd = skipValue(text, value);
    const end = nextLine(text, valueEnd);
    statements.push({
      kind: "key",
      path: [...table, ...namesOf(text.slice(first, equals))],
      start,
      end,
      value: { start: value, end: valueEnd },
    });
    start = end;
  }
  return statements;
}

/** The names of a key such as `a."b.c".d`, read by the parser itself. */
function namesOf(key: string): string[] {
  const names: string[] = [];
  let value: unknown = parse(`${key} = 0`);
  while (typeof value === "object" && value !== null) {
    const [name = ""] = Object.keys(value);
    names.push(name);
    value = Object.values(value)[0];
  }
  return names;
}

function skipSpaces(text: string, at: number): number {
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}

function nextLine(text: string, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline === -1 ? text.length : newline + 1;
}

/** The place of the `=` that ends a key. */
function skipKey(text: string, at: number): number {
  while (at < text.length && text[at] !== "=") {
    at = isQuote(text[at]) ? skipString(text, at) : at + 1;
  }
  return at;
}

/** Where a value ends: at a line's end or a comment, outside of brackets. */
function skipValue(text: string, at: number): number {
  let depth = 0;
  let end = at;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (depth === 0 && (char === "\n" || char === "#")) break;
    if (isQuote(char)) {
      at = skipString(text, at);
    } else if (char === "#") {
      at = nextLine(text, at);
      continue;
    } else {
      if ("[{".includes(char)) depth++;
      if ("]}".includes(char)) depth--;
      at++;
    }
    if (!/\s/.test(char)) end = at;
  }
  return end;
}

/** Where a string ends that begins here, of one line or several. */
function skipString(text: string, at: number): number {
  const quote = text[at] ?? "";
  const long = text.startsWith(quote.repeat(3), at);
  const close = long ? quote.repeat(3) : quote;
  at += close.length;
  while (at < text.length && !text.startsWith(close, at)) {
    at += quote === '"' && text[at] === "\\" ? 2 : 1;
  }
  at += close.length;
  // A long string may end in one or two quotes of its own.
  while (long && text[at] === quote) at++;
  return at;
}

function isQuote(char: string | undefined): boolean {
  return char === '"' || char === "'";
}
