/**
 * What containerd's own configuration files say about pulling images: the file
 * and all that it imports, merged as containerd merges them, in the words of
 * its newest format.
 *
 * @module
 */

import { dirname, isAbsolute, join } from "node:path/posix";
import { parse } from "smol-toml";

/** A value, and which file gave it; null: it is containerd's default. */
export interface Setting<T> {
  readonly value: T;
  readonly file: string | null;
}

/** The settings that matter to a mirror, as one of the two plugins names them. */
export interface CriSettings {
  /** `registry.config_path`, maybe a list with colons; empty: none. */
  readonly configPath: Setting<string>;
  /** Whether `registry.mirrors`, `configs` or `auths` are in use. */
  readonly legacyRegistry: Setting<boolean>;
  readonly snapshotter: Setting<string>;
  readonly discardUnpackedLayers: Setting<boolean>;
  readonly useLocalImagePull: Setting<boolean>;
  readonly maxConcurrentDownloads: Setting<number>;
  readonly disableSnapshotAnnotations: Setting<boolean>;
  readonly imagePullWithSyncFs: Setting<boolean>;
  /** Bytes; 0: layers come as one stream. */
  readonly concurrentLayerFetchBuffer: Setting<number>;
}

/** What the files say. */
export interface CriFiles {
  /** Every file that was read, the main one first. */
  readonly files: readonly string[];
  /** `version` of the main file. */
  readonly format: number;
  readonly settings: CriSettings;
}

/** A TOML table. */
type Table = Readonly<Record<string, unknown>>;

/** Where a value stands below the plugin's table, in the newest format. */
const DEFAULTS = {
  configPath: { path: ["registry", "config_path"], value: "" },
  snapshotter: { path: ["snapshotter"], value: "overlayfs" },
  discardUnpackedLayers: { path: ["discard_unpacked_layers"], value: false },
  useLocalImagePull: { path: ["use_local_image_pull"], value: false },
  maxConcurrentDownloads: { path: ["max_concurrent_downloads"], value: 3 },
  disableSnapshotAnnotations: {
    path: ["disable_snapshot_annotations"],
    value: true,
  },
  imagePullWithSyncFs: { path: ["image_pull_with_sync_fs"], value: false },
  concurrentLayerFetchBuffer: {
    path: ["concurrent_layer_fetch_buffer"],
    value: 0,
  },
} as const;

/** containerd 2.2 and later, where no file says another. */
const DEFAULT_CONFIG_PATH = "/etc/containerd/certs.d:/etc/docker/certs.d";

const LEGACY = ["mirrors", "configs", "auths"];

/** More imports than any node has; files may import each other in a circle. */
const MAX_FILES = 100;

/**
 * Reads the files. A main file that is not there means defaults alone.
 *
 * @param path The main file, `/etc/containerd/config.toml`
 * @param version containerd's version, `2.1.4`: defaults and merging differ
 * @returns What they say
 * @throws {SyntaxError} When a file is not TOML: containerd does not start then
 * @throws {Error} When a file cannot be read
 */
export async function readCriFiles(
  path: string,
  version: string,
): Promise<CriFiles> {
  const major = Number(version.split(".")[0]);
  const files: string[] = [];
  const merged: Layer[] = [];
  let format = 0;
  const pending = [path];
  for (let next = pending.shift(); next; next = pending.shift()) {
    if (files.includes(next) || files.length >= MAX_FILES) continue;
    const table = await readTable(next, next === path);
    if (!table) break;
    files.push(next);
    const own = Number(table.version ?? 1);
    format ||= own;
    const images = imagesOf(table, own, major);
    // containerd 1.x replaces a plugin's whole section; 2.x merges into it.
    if (major < 2 && images) merged.length = 0;
    if (images) merged.unshift({ file: next, table: images });
    pending.push(...await importsOf(table, next));
  }
  return { files, format, settings: settingsOf(merged, version) };
}

/** One file's part; those that win stand first. */
interface Layer {
  readonly file: string;
  readonly table: Table;
}

async function readTable(
  path: string,
  mayLack: boolean,
): Promise<Table | null> {
  let text;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (mayLack && error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  try {
    return parse(text);
  } catch (cause) {
    const [why] = cause instanceof Error ? cause.message.split("\n") : [];
    throw new SyntaxError(`${path} is no TOML: ${why ?? ""}`, { cause });
  }
}

/** The table about images of one file, in the newest format's words. */
function imagesOf(
  file: Table,
  format: number,
  major: number,
): Table | null {
  const plugins = tableAt(file, "plugins") ?? {};
  const newest = tableAt(plugins, "io.containerd.cri.v1.images");
  if (format >= 3) return newest;
  const name = format === 2 ? "io.containerd.grpc.v1.cri" : "cri";
  const old = tableAt(plugins, name);
  if (!old) return newest;
  const containerd = tableAt(old, "containerd") ?? {};
  // containerd 2.x drops these keys of an older file that names no runtimes.
  const read = major < 2 || tableAt(containerd, "runtimes");
  return {
    ...newest,
    ...old,
    ...(read ? pick(containerd, MOVED_KEYS) : {}),
  };
}

/** Keys that stood in the table `containerd` of the plugin before format 3. */
const MOVED_KEYS = [
  "snapshotter",
  "disable_snapshot_annotations",
  "discard_unpacked_layers",
];

/** containerd takes `*` only, and paths from the folder of the file. */
async function importsOf(file: Table, path: string): Promise<string[]> {
  const imports = Array.isArray(file.imports) ? file.imports : [];
  const found: string[] = [];
  for (const pattern of imports.filter((one) => typeof one === "string")) {
    const absolute = isAbsolute(pattern)
      ? join(pattern)
      : join(dirname(path), pattern);
    if (absolute.includes("*")) found.push(...await glob(absolute));
    else found.push(absolute);
  }
  return found;
}

/** Stars in the file's name alone; in a folder's name nobody has them. */
async function glob(pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const source = pattern.slice(folder.length).replace(/^\//, "")
    .split("*").map((part) => RegExp.escape(part)).join("[^/]*");
  const name = new RegExp(`^${source}$`);
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (name.test(entry.name)) found.push(join(folder, entry.name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

function settingsOf(layers: readonly Layer[], version: string): CriSettings {
  const find = <T>(path: readonly string[], fallback: T): Setting<T> => {
    for (const { file, table } of layers) {
      const value = path.reduce<unknown>(
        (at, key) => isTable(at) ? at[key] : undefined,
        table,
      );
      if (typeof value === typeof fallback) return { value: value as T, file };
    }
    return { value: fallback, file: null };
  };
  const settings = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, { path, value }]) => [
      name,
      find<string | number | boolean>(path, value),
    ]),
  ) as unknown as Omit<CriSettings, "legacyRegistry">;
  const legacy = layers.find(({ table }) => {
    const registry = tableAt(table, "registry") ?? {};
    return LEGACY.some((key) =>
      Object.keys(tableAt(registry, key) ?? {}).length > 0
    );
  });
  const legacyRegistry = { value: !!legacy, file: legacy?.file ?? null };
  const { configPath } = settings;
  return {
    ...settings,
    legacyRegistry,
    configPath: configPath.value === "" && !legacy && isAtLeast(version, "2.2")
      ? { ...configPath, value: DEFAULT_CONFIG_PATH }
      : configPath,
  };
}

/**
 * Compares versions of containerd by their first two numbers.
 *
 * @param version Such as `2.1.4` or `1.6.20~ds1`
 * @param least Such as `2.1`
 * @returns True when the first is not older
 */
export function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split(".").map(Number);
  return major > leastMajor || major === leastMajor && minor >= leastMinor;
}

function tableAt(table: Table, key: string): Table | null {
  const value = table[key];
  return isTable(value) ? value : null;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pick(table: Table, keys: readonly string[]): Table {
  return Object.fromEntries(
    Object.entries(table).filter(([key]) => keys.includes(key)),
  );
}
