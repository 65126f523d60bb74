/**
 * What `docs/compatibility.md` says of each flavour. Run by itself, it writes
 * it there.
 * @module
 */

import {
  type Flavour,
  flavourOptions,
  FLAVOURS,
} from "../../src/hosts/flavours.ts";

const BEGIN = "flavours_text.ts -->\n";
const END = "<!-- end -->";

const SETTING = {
  set: "set",
  list: "a list",
  unset: "not set",
  depends: "depends",
} as const;

/** The page. */
export const PAGE: URL = new URL(
  "../../docs/compatibility.md",
  import.meta.url,
);

/** The text of all flavours. */
export function flavoursText(): string {
  const rows = FLAVOURS.map((flavour) => [
    flavour.name,
    SETTING[flavour.hostsSetting],
    flavour.discardsLayers ? "thrown away" : "kept",
    code(flavour.hosts),
  ]);
  const head = [
    "flavour",
    "`config_path`",
    "unpacked layers",
    "folder of `config_path`",
  ];
  return ["", table([head, ...rows]), ...FLAVOURS.map(section), ""].join("\n");
}

function section(flavour: Flavour): string {
  const options = flavourOptions(flavour);
  const paths = [
    ["socket", flavour.socket],
    ["containerd's configuration", flavour.config],
    ["`certs.d`", flavour.hosts],
    ["content", flavour.content],
  ].map(([what, path = ""]) => `- ${what}: ${code(path)}`);
  return [
    `\n## ${flavour.name}\n`,
    ...paths,
    `- to change containerd's configuration: ${flavour.change}`,
    ...flavour.traps.map((trap) => `- ${trap}`),
    options.length === 0
      ? "\nPass nothing: the defaults fit."
      : `\nPass, where a command has the option:\n\n    ${
        options.join("\n    ")
      }`,
  ].join("\n");
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = rows;
  return [head, head.map(() => "---"), ...rest]
    .map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function code(path: string): string {
  return `\`${path}\``;
}

/** The page as it is to be, formatted as `deno fmt` does it. */
export async function pageText(): Promise<string> {
  const page = await Deno.readTextFile(PAGE);
  const begin = page.indexOf(BEGIN) + BEGIN.length;
  const text = page.slice(0, begin) + flavoursText() +
    page.slice(page.indexOf(END));
  const fmt = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const [{ stdout }] = await Promise.all([
    fmt.output(),
    new Blob([text]).stream().pipeTo(fmt.stdin),
  ]);
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) await Deno.writeTextFile(PAGE, await pageText());
