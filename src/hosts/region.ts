/**
 * The lines of a `hosts.toml` that are Peili's: between two comments, with what
 * is needed to take them out again. All the rest is the user's, byte for byte,
 * so the file itself is its own backup. Pure: no files.
 * @module
 */

import { createHash } from "node:crypto";

/** The entries of one deployment. Others never touch them. */
export interface Part {
  /** The deployment's name. */
  readonly deployment: string;
  /** Its lines. */
  readonly text: string;
  /** URLs of its hosts. */
  readonly urls: readonly string[];
  /** The hash of what the user has changed since; null: he has not. */
  readonly edited: string | null;
}

/** Everything of Peili's in one file. */
export interface Region {
  /** What Peili made, and restoring removes: the file, its folder too, or none. */
  readonly made: "folder" | "file" | null;
  /** Lines that speak for the whole file, such as `server`. */
  readonly settings: string;
  /** As `edited` of a part. */
  readonly settingsEdited: string | null;
  /** In the order in which the deployments came. */
  readonly parts: readonly Part[];
}

/** A text, taken apart. */
export interface SplitText {
  /** What the user wrote, as if Peili had never been there. */
  readonly user: string;
  /** Where in it the region was; 0 without one. */
  readonly at: number;
  /** null: nothing of Peili's is in it. */
  readonly region: Region | null;
  /** Whether the user has changed his part since Peili last wrote the file. */
  readonly userEdited: boolean;
}

const NOTE =
  '(written by Peili; "peili restore" takes it out and leaves the rest)';
const MARK = /^# peili: (begin|end|deployment (\S+))(?: (\{.*\}))?.*$/gm;

/** In place of a hash: the lines are Peili's whatever is in them. */
const ANY = "any";

/** Before a line that gives way to another one for the same host. */
const OFF = "#peili-off:";

/** Whether a name can be a deployment's: that of a Kubernetes object can. */
export function isDeployment(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(name);
}

/**
 * Takes a text apart.
 *
 * @throws {SyntaxError} when the comments that bound Peili's lines are damaged.
 */
export function splitText(text: string): SplitText {
  const marks = [...text.matchAll(MARK)];
  if (marks.length === 0) {
    return { user: text, at: 0, region: null, userEdited: false };
  }
  const kinds = marks.map(([, kind = ""]) => kind.replace(/ .*/, " "));
  if (!/^begin(deployment )*end$/.test(kinds.join(""))) throw damaged();
  const [first, ...rest] = marks.map((mark) => {
    const [line, , deployment = "", json = "{}"] = mark;
    const from = lineEnd(text, mark.index + line.length);
    return { start: mark.index, from, deployment, fields: read(json) };
  });
  const last = rest.at(-1);
  if (!first || !last) throw damaged();
  const bodies = [first, ...rest.slice(0, -1)].map((mark, index) => {
    const body = switchOn(text.slice(mark.from, rest[index]?.start));
    const hash = String(mark.fields.sha256);
    const edited = hash !== ANY && hash !== sha256(body) ? hash : null;
    return { ...mark, body, edited };
  });
  const [settings, ...parts] = bodies;
  const { newline, made, user: userHash } = first.fields;
  const start = newline ? first.start - 1 : first.start;
  const before = switchOn(text.slice(0, start));
  const user = before + switchOn(text.slice(last.from));
  return {
    user,
    at: before.length,
    region: {
      made: made === "folder" || made === "file" ? made : null,
      settings: settings?.body ?? "",
      settingsEdited: settings?.edited ?? null,
      parts: parts.map(({ deployment, body, edited, fields }) => ({
        deployment,
        text: body,
        urls: Array.isArray(fields.urls) ? fields.urls.map(String) : [],
        edited,
      })),
    },
    userEdited: userHash !== sha256(user),
  };
}

/**
 * Puts a region into the user's text. `splitText` gives both back.
 *
 * @param user the user's text, with lines that `switchOff` has put out.
 * @param place where the region begins: a line's begin, or the text's end; and
 * the lines of each part, with those that `switchOff` has put out.
 */
export function joinText(
  user: string,
  region: Region,
  { at, lines }: { at: number; lines: readonly string[] },
): string {
  const newline = at > 0 && user[at - 1] !== "\n";
  const begin = {
    ...(region.made ? { made: region.made } : {}),
    ...(newline ? { newline } : {}),
    sha256: region.settingsEdited ?? sha256(region.settings),
    user: sha256(switchOn(user)),
  };
  const parts = region.parts.map(
    ({ deployment, urls, text, edited }, index) => {
      const fields = { sha256: edited ?? sha256(text), urls };
      return `# peili: deployment ${deployment} ${json(fields)}\n${
        lines[index]
      }`;
    },
  );
  return user.slice(0, at) + (newline ? "\n" : "") +
    `# peili: begin ${json(begin)} ${NOTE}\n${region.settings}` +
    `${parts.join("")}# peili: end\n` + user.slice(at);
}

/** Puts out whole lines: they are comments until `splitText` reads them. */
export function switchOff(lines: string): string {
  return lines.replace(/(^|\n)(?!$)/g, `$1${OFF}`);
}

function switchOn(lines: string): string {
  return lines.replace(/(^|\n)#peili-off:/g, "$1");
}

/** A text whose hashes hold although something is still to be filled in. */
export function withoutHashes(text: string): string {
  return text.replace(/"sha256":"[0-9a-f]+"/g, `"sha256":"${ANY}"`);
}

function json(fields: Record<string, unknown>): string {
  return JSON.stringify(fields);
}

function read(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged();
  }
}

function damaged(): SyntaxError {
  return new SyntaxError(
    'the comments that begin with "# peili:" are damaged, so that Peili ' +
      "cannot tell its lines from yours; delete its lines and the comments",
  );
}

function lineEnd(text: string, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline === -1 ? text.length : newline + 1;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
