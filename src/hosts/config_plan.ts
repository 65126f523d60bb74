/**
 * What must change in containerd's own configuration so that it reads
 * `hosts.toml` files, and how that is taken out again.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { ownText, setKey, unsetKeys } from "./config_text.ts";
import {
  at,
  type ConfigFile,
  configOf,
  type ContainerdConfig,
  folderOf,
  isTable,
  parseConfig,
  readContainerdConfig,
  SECTIONS,
} from "./containerd_config.ts";
import type { FileOperations, NewFile } from "./file_operations.ts";
import type { TomlTable } from "./hosts_toml.ts";
import { clearUnfinished, replaceFile } from "./replace_file.ts";

/** What is to be done with one file; nothing has been touched yet. */
export type ConfigPlan =
  & {
    /** The file. */
    path: string;
  }
  & (
    | { kind: "unchanged" }
    /** `before` and `after` are null where the file is not there. */
    | { kind: "write"; before: NewFile | null; after: NewFile | null }
    /** `lines`: what a person must put into the file in place of Peili. */
    | { kind: "left-alone"; why: string; lines: string }
  );

/** The name of a file of Peili's in a folder of imports; among the last read. */
const DROP_IN = "99-peili.toml";

/** What containerd 1.6 to 2.3 read alike. */
const FOR_ALL = {
  version: 2,
  section: ["plugins", "io.containerd.grpc.v1.cri", "registry"],
} as const;

/** What must not be turned off, by all its names. */
const CRI: readonly string[] = [
  "cri",
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
];

/** Replacing a link would hide the file of whoever made it. */
const IS_LINK = "it is a link: change the file that it leads to";

/** Without Peili's lines it would belong to another table, or format. */
const BELONGS =
  'lines that are not Peili\'s belong to a line with "# peili: added"; take ' +
  "them out, or that comment";

/** A file that says so is written anew by whoever made it. */
const GENERATED = /^#.*(?:DO NOT EDIT|k0s_managed=true)/im;

/**
 * Plans to make containerd read `hosts.toml` below one folder: by a file of its
 * own where containerd imports and merges a folder of them, else by one line in
 * the file that decides.
 *
 * @param path containerd's `--config`, absolute.
 * @param hostsPath the folder of `hosts.toml` files.
 * @throws {Error} when reading fails.
 */
export async function planConfig(
  path: string,
  hostsPath: string,
  files: FileOperations,
): Promise<ConfigPlan> {
  const config = await readOrWhy(path, files);
  if (typeof config === "string") {
    return {
      kind: "left-alone",
      path,
      why: config,
      lines: linesFor(null, hostsPath),
    };
  }
  if (config?.hostsPath === hostsPath) return { kind: "unchanged", path };
  const lines = linesFor(config, hostsPath);
  const leftAlone = (why: string): ConfigPlan => {
    return { kind: "left-alone", path, why, lines };
  };
  if (!config) return write(path, null, ownText(lines.trimEnd().split("\n")));
  const hindrance = hindranceOf(config);
  if (hindrance !== null) return leftAlone(hindrance);
  const dropIn = dropInOf(config);
  if (dropIn) {
    const text = ownText(lines.trimEnd().split("\n"));
    const there = config.files.find((one) => one.path === dropIn);
    const changed = withFile(config, dropIn, text);
    const isOurs = !there || there.file && unsetKeys(there.text) === "";
    if (isOurs && changed.hostsPath === hostsPath) {
      return write(dropIn, there?.file ?? null, text);
    }
  }
  const place = decidingFile(config);
  const names = [...config.section, "config_path"];
  const text = setKey(place.text, names, hostsPath);
  if (place.file && isOnly(place, config, text, hostsPath)) {
    return write(place.path, place.file, text);
  }
  const why = place.file ? "Peili cannot change it in place" : IS_LINK;
  return { ...leftAlone(why), path: place.path };
}

/**
 * Plans to take out what was changed, in the file and in what it imports.
 *
 * @param path containerd's `--config`, absolute.
 * @throws {Error} when reading fails.
 */
export async function planConfigRestore(
  path: string,
  files: FileOperations,
): Promise<ConfigPlan[]> {
  const config = await readOrWhy(path, files);
  if (typeof config === "string") {
    return [{ kind: "left-alone", path, why: config, lines: "" }];
  }
  return (config?.files ?? []).map((one): ConfigPlan => {
    const text = unsetKeys(one.text);
    const { path, file, table } = one;
    if (text === one.text) return { kind: "unchanged", path };
    const leftAlone = (why: string): ConfigPlan => {
      return { kind: "left-alone", path, why, lines: text };
    };
    if (!file) return leftAlone(IS_LINK);
    if (text === "") return { kind: "write", path, before: file, after: null };
    try {
      const rest = allElse(parseConfig(path, text));
      if (!isDeepStrictEqual(rest, allElse(table))) return leftAlone(BELONGS);
    } catch (error) {
      return leftAlone(error instanceof Error ? error.message : String(error));
    }
    return write(path, file, text);
  });
}

/** Does what was planned, in one step a file. */
export async function carryOutConfig(
  plan: ConfigPlan,
  files: FileOperations,
): Promise<void> {
  if (plan.kind !== "write") return;
  const { path, before, after } = plan;
  try {
    const folder = folderOf(path);
    if (!before) await files.makeFolder(folder);
    using _turn = await files.lock(folder);
    await clearUnfinished(files, folder, "");
    if (after) await replaceFile(files, path, after);
    else await files.remove(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot write ${path}: ${why}`, { cause });
  }
}

/** In the format of the file that imports, or in one that all versions read. */
function linesFor(config: ContainerdConfig | null, hostsPath: string): string {
  const { version, section } = config ?? FOR_ALL;
  const text = setKey("", [...section, "config_path"], hostsPath);
  return (version > 1 ? `version = ${version}\n` : "") +
    text.replaceAll(/ # peili.*$/gm, "");
}

async function readOrWhy(
  path: string,
  files: FileOperations,
): Promise<ContainerdConfig | null | string> {
  try {
    return await readContainerdConfig(path, files);
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

function write(path: string, before: NewFile | null, text: string): ConfigPlan {
  const bytes = new TextEncoder().encode(text);
  return {
    kind: "write",
    path,
    before,
    after: { mode: 0o644, ...before, bytes },
  };
}

/** Why it must be a person who changes it; null: nothing is in the way. */
function hindranceOf({ files, section }: ContainerdConfig): string | null {
  const [root] = files;
  if (root && GENERATED.test(root.text.slice(0, 1000))) {
    return "it is generated: change it where it is generated";
  }
  for (const { path, table } of files) {
    const disabled = Array.isArray(table.disabled_plugins)
      ? table.disabled_plugins.find((name) => CRI.includes(String(name)))
      : undefined;
    if (disabled !== undefined) {
      return `${path} has ${disabled} in disabled_plugins, so kubelet cannot ` +
        "use this containerd, and no hosts.toml is read; take it out first";
    }
    const registry = at(table, section);
    if (!isTable(registry)) continue;
    const tls = Object.values(isTable(registry.configs) ? registry.configs : {})
      .some((one) => isTable(one) && one.tls !== undefined);
    if (tls || isTable(registry.mirrors)) {
      return `${path} has registry.mirrors or registry.configs with tls, ` +
        "which containerd refuses beside config_path; write them as " +
        "hosts.toml files first";
    }
  }
  return null;
}

/**
 * A file in a folder that containerd imports. Only where it is version 2 at
 * least that reads: before, a file that has a section replaces all of it.
 */
function dropInOf({ files: [root], version }: ContainerdConfig): string | null {
  if (!root || version < 3 || !Array.isArray(root.table.imports)) return null;
  const folder = root.table.imports.map(String)
    .findLast((one) => /^\/[^*]*\/\*\.toml$/.test(one));
  return folder ? folder.replace("*.toml", DROP_IN) : null;
}

/** The last file that has the section: both ways of putting together heed it. */
function decidingFile({ files, section }: ContainerdConfig): ConfigFile {
  const plugin = section.slice(0, -1);
  const last = files.findLast(({ table }) => at(table, plugin) !== undefined);
  return last ?? files[0] as ConfigFile;
}

function withFile(
  config: ContainerdConfig,
  path: string,
  text: string,
): ContainerdConfig {
  const table = parseConfig(path, text);
  const changed = { path, text, table, file: null };
  const there = config.files.some((one) => one.path === path);
  // Imports come in the order of their names, after the file itself.
  const files = there
    ? config.files.map((one) => one.path === path ? changed : one)
    : [
      ...config.files.slice(0, 1),
      ...[...config.files.slice(1), changed].sort((a, b) =>
        a.path < b.path ? -1 : 1
      ),
    ];
  return configOf(files as [ConfigFile, ...ConfigFile[]]);
}

/** Whether a text sets the folder, and changes nothing else. */
function isOnly(
  { path, table }: ConfigFile,
  config: ContainerdConfig,
  text: string,
  hostsPath: string,
): boolean {
  try {
    const after = parseConfig(path, text);
    const place = at(after, config.section);
    if (!isTable(place) || place.config_path !== hostsPath) return false;
    if (withFile(config, path, text).hostsPath !== hostsPath) return false;
    const wanted = plain(table) as TomlTable;
    let parent = wanted;
    for (const name of config.section) {
      parent = (parent[name] ??= {}) as TomlTable;
    }
    parent.config_path = hostsPath;
    return isDeepStrictEqual(plain(after), wanted);
  } catch {
    // Not TOML any more, or a table that cannot be added to: not this way.
    return false;
  }
}

/** What a file says beside `config_path`, without tables that say nothing. */
function allElse(table: TomlTable): unknown {
  const rest = plain(table) as TomlTable;
  for (const section of SECTIONS) {
    const registry = at(rest, ["plugins", section, "registry"]);
    if (isTable(registry)) delete registry.config_path;
  }
  return withoutEmpty(rest);
}

function withoutEmpty(table: TomlTable): TomlTable {
  const entries = Object.entries(table).map(([name, value]) =>
    [name, isTable(value) ? withoutEmpty(value) : value] as const
  );
  return Object.fromEntries(
    entries.filter(([, value]) =>
      !isTable(value) || Object.keys(value).length > 0
    ),
  );
}

/** Without the classes that the parser gives to tables and dates. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(
      value,
      (_, one) => typeof one === "bigint" ? `${one}n` : one,
    ),
  );
}
