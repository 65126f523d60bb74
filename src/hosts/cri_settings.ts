/**
 * What containerd's own configuration files say about pulling images: the file
 * and all that it imports, merged as containerd merges them, in the words of
 * its newest format.
 *
 * @module
 */

import { at, type ContainerdConfig, isTable } from "./containerd_config.ts";
import type { TomlTable } from "./hosts_toml.ts";

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

/**
 * Tells what a configuration says.
 *
 * @param config As containerd reads it
 * @param version containerd's version, `2.1.4`: defaults and merging differ
 * @returns What it says
 */
export function criSettings(
  { files }: Pick<ContainerdConfig, "files">,
  version: string,
): CriSettings {
  const major = Number(version.split(".")[0]);
  const layers: Layer[] = [];
  for (const { path, table } of files) {
    const images = imagesOf(table, Number(table.version ?? 1), major);
    if (!images) continue;
    // containerd 1.x replaces a plugin's whole section; 2.x merges into it.
    if (major < 2) layers.length = 0;
    layers.unshift({ file: path, table: images });
  }
  return settingsOf(layers, version);
}

/** One file's part; those that win stand first. */
interface Layer {
  readonly file: string;
  readonly table: TomlTable;
}

/** The table about images of one file, in the newest format's words. */
function imagesOf(
  file: TomlTable,
  format: number,
  major: number,
): TomlTable | null {
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

function settingsOf(layers: readonly Layer[], version: string): CriSettings {
  const find = <T>(path: readonly string[], fallback: T): Setting<T> => {
    for (const { file, table } of layers) {
      const found = at(table, path);
      const value = typeof found === "bigint" ? Number(found) : found;
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

function tableAt(table: TomlTable, key: string): TomlTable | null {
  const value = table[key];
  return isTable(value) ? value : null;
}

function pick(table: TomlTable, keys: readonly string[]): TomlTable {
  return Object.fromEntries(
    Object.entries(table).filter(([key]) => keys.includes(key)),
  );
}
