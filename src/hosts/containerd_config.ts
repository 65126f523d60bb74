/**
 * Reads containerd's own configuration, the files that it imports included, as
 * far as it decides whether `hosts.toml` files are read.
 * @module
 */

import { parse } from "smol-toml";
import type { FileOperations, NewFile } from "./file_operations.ts";
import type { TomlTable } from "./hosts_toml.ts";

/** One file of the configuration. */
export interface ConfigFile {
  /** Its absolute path. */
  readonly path: string;
  /** What is in it. */
  readonly text: string;
  /** The same, parsed. */
  readonly table: TomlTable;
  /** The same, as it is on the disk; null: a link leads to it. */
  readonly file: NewFile | null;
}

/** The configuration as containerd puts it together. */
export interface ContainerdConfig {
  /** The file that containerd is started with, then imports as they are read. */
  readonly files: readonly ConfigFile[];
  /** Of the format: 1 where the first file does not say. */
  readonly version: number;
  /** Where CRI's registries are configured, by the names of a TOML table. */
  readonly section: readonly string[];
  /** `config_path` as it takes effect; null when none is set. */
  readonly hostsPath: string | null;
}

/**
 * Where `registry` is: in format 1, in format 2, and since containerd 2.0.
 * containerd 2 reads format 2 with the new name, too.
 */
export const SECTIONS = [
  "cri",
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.images",
] as const;

/** An import that leads to itself ends; this ends one that never does. */
const MAX_FILES = 128;

/**
 * Reads it.
 *
 * @param path containerd's `--config`, absolute.
 * @returns null when the file is not there: containerd then has its defaults.
 * @throws {SyntaxError} when a file is not TOML.
 * @throws {Error} when reading fails.
 */
export async function readContainerdConfig(
  path: string,
  files: FileOperations,
): Promise<ContainerdConfig | null> {
  const read = new Map<string, ConfigFile>();
  const pending = [path];
  for (let next = pending.shift(); next; next = pending.shift()) {
    if (read.has(next) || read.size === MAX_FILES) continue;
    const file = await readConfigFile(next, files);
    if (!file) continue;
    read.set(next, file);
    pending.push(...await importsOf(file, files));
  }
  const [root, ...imported] = read.values();
  if (!root || root.path !== path) return null;
  return configOf([root, ...imported]);
}

/** Puts files together in the order in which containerd reads them. */
export function configOf(
  files: readonly [ConfigFile, ...ConfigFile[]],
): ContainerdConfig {
  const [root] = files;
  const version = Number(root.table.version ?? 1);
  const section = sectionOf(files, version);
  const plugin = section.slice(0, -1);
  const having = files.filter(({ table }) => at(table, plugin) !== undefined);
  // containerd 1 takes the whole section of the last file that has it, and
  // containerd 2 merges. Format 2 is read by both: what counts for both.
  const path = (version > 2 ? having : having.slice(-1))
    .map(({ table }) => at(table, [...section, "config_path"]))
    .findLast((value) => typeof value === "string" && value !== "");
  return {
    files,
    version,
    section,
    hostsPath: typeof path === "string" ? path : null,
  };
}

/** What is at a place in a table; undefined if nothing is. */
export function at(table: TomlTable, names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (value, name) => isTable(value) ? value[name] : undefined,
    table,
  );
}

/** @throws {SyntaxError} when it is not TOML. */
export function parseConfig(path: string, text: string): TomlTable {
  try {
    return parse(text, { integersAsBigInt: true });
  } catch (cause) {
    const [why] = cause instanceof Error ? cause.message.split("\n") : [];
    throw new SyntaxError(`Cannot read ${path}: ${why}`, { cause });
  }
}

async function readConfigFile(
  path: string,
  files: FileOperations,
): Promise<ConfigFile | null> {
  const status = await files.status(path);
  if (!status) return null;
  const bytes = await files.read(path);
  const text = decode(path, bytes);
  const { kind, mode, owner } = status;
  return {
    path,
    text,
    table: parseConfig(path, text),
    file: kind === "file" ? { bytes, mode, owner } : null,
  };
}

/** What is no UTF-8 could not be written back as it was. */
function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${path}: not UTF-8`, { cause });
  }
}

/** Paths of imports; a star is understood in the last name only. */
async function importsOf(
  { path, table }: ConfigFile,
  files: FileOperations,
): Promise<string[]> {
  const imports = Array.isArray(table.imports) ? table.imports.map(String) : [];
  const found = await Promise.all(imports.map(async (one) => {
    const pattern = one.startsWith("/") ? one : `${folderOf(path)}/${one}`;
    if (!pattern.includes("*")) return [pattern];
    const folder = folderOf(pattern);
    const [before = "", after = ""] = pattern.slice(folder.length + 1)
      .split("*");
    const names = await files.fileNames(folder);
    return names.filter((name) =>
      name.length >= before.length + after.length &&
      name.startsWith(before) && name.endsWith(after)
    ).map((name) => `${folder}/${name}`);
  }));
  return found.flat();
}

/** The name that the files use, else the one that fits the version. */
function sectionOf(
  files: readonly ConfigFile[],
  version: number,
): readonly string[] {
  const usual = SECTIONS[Math.min(Math.max(version, 1), 3) - 1] ?? "cri";
  const others = SECTIONS.filter((name) => name !== usual).reverse();
  const used = [usual, ...others].find((name) =>
    files.some(({ table }) => at(table, ["plugins", name]) !== undefined)
  );
  return ["plugins", used ?? usual, "registry"];
}

/** The folder of a path. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Whether a value of TOML is a table. */
export function isTable(value: unknown): value is TomlTable {
  // A date of TOML is an object too, but one with a class.
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) &&
    (Object.getPrototypeOf(value) ?? Object.prototype) === Object.prototype;
}
