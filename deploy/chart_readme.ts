/**
 * What the chart's README says of its values, made from `values.yaml`. Run by
 * itself, it writes it there.
 *
 * @module
 */

import { isMap, parseDocument, type Scalar, type YAMLMap } from "yaml";

/** One value of the chart. */
export interface ChartValue {
  /** Such as `service.registry.port`. */
  readonly path: string;
  /** Its default as YAML in one line. */
  readonly text: string;
  /** Its comment. */
  readonly help: string;
}

const CHART = new URL("chart/", import.meta.url);
const BEGIN = "<!-- made from values.yaml: deno task chart -->\n";
const END = "<!-- end -->";

/** Where the README is. */
export const README: URL = new URL("README.md", CHART);

/** Where the values are. */
export const VALUES: URL = new URL("values.yaml", CHART);

/**
 * Lists values: what has a comment is one, what is below that is its default.
 *
 * @param yaml The text of `values.yaml`
 * @throws {Error} When a value has no comment
 */
export function chartValues(yaml: string): ChartValue[] {
  const document = parseDocument(yaml);
  if (!isMap(document.contents)) throw new Error("Cannot read values: no map");
  return valuesBelow(document.contents as YAMLMap, "");
}

function valuesBelow(map: YAMLMap, prefix: string): ChartValue[] {
  return map.items.flatMap((pair, index) => {
    const key = pair.key as Scalar<string>;
    const path = prefix + key.value;
    // The first comment of a map is its own, not its first key's.
    const comment = index === 0 && map.commentBefore
      ? map.commentBefore
      : key.commentBefore;
    if (comment) {
      const value = map.toJSON()[key.value];
      const help = comment.replace(/\s*\n\s*/g, " ").trim();
      return [{ path, text: JSON.stringify(value), help }];
    }
    if (isMap(pair.value) && pair.value.items.length > 0) {
      return valuesBelow(pair.value as YAMLMap, `${path}.`);
    }
    throw new Error(`Cannot describe ${path}: it has no comment`);
  });
}

/** The table of all values, in Markdown. */
export function valuesTable(values: readonly ChartValue[]): string {
  const rows = values.map(({ path, text, help }) => [
    `\`${path}\``,
    `\`${text}\``,
    help.replaceAll("|", "\\|"),
  ]);
  const head = ["value", "default", "what it means"];
  const all = [head, head.map(() => "---"), ...rows];
  return all.map((row) => `| ${row.join(" | ")} |\n`).join("");
}

/**
 * Puts the table into the README.
 *
 * @param readme Its text
 * @param values The values
 * @returns The text with the table, formatted as `deno fmt` does
 */
export async function withTable(
  readme: string,
  values: readonly ChartValue[],
): Promise<string> {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error("Cannot find the table's place");
  const head = readme.slice(0, begin + BEGIN.length);
  return await formatted(
    `${head}\n${valuesTable(values)}\n${readme.slice(end)}`,
  );
}

async function formatted(markdown: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--no-config", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([markdown]).stream().pipeTo(child.stdin);
  const { code, stdout } = await child.output();
  if (code !== 0) throw new Error("Cannot format the README");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const values = chartValues(await Deno.readTextFile(VALUES));
  const readme = await Deno.readTextFile(README);
  await Deno.writeTextFile(README, await withTable(readme, values));
}
