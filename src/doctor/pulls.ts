/**
 * How containerd pulls images here: what it runs with where it tells that, else
 * what its files say.
 *
 * @module
 */

import { readContainerdConfig } from "../hosts/containerd_config.ts";
import {
  type CriSettings,
  criSettings,
  isAtLeast,
} from "../hosts/cri_settings.ts";
import { DENO_FILES } from "../hosts/file_operations.ts";

/** How images are pulled. */
export interface Pulls {
  /** Where this is known from; `nowhere`: only what is certain stands here. */
  readonly from: "containerd" | "files" | "nowhere";
  /** `config_path` as it is set; empty: none. */
  readonly configPath: string;
  /** The folders that containerd really looks in for it. */
  readonly configFolders: readonly string[];
  /** containerd itself (`local`), or its transfer service, pulls. */
  readonly by: "local" | "transfer";
  readonly snapshotter: string;
  readonly discardUnpackedLayers: boolean;
  /** Bytes of a parallel range; 0: layers come as one stream. */
  readonly concurrentLayerFetchBuffer: number;
  /** The files; null where they cannot be read. */
  readonly files: PullFiles | null;
  /** Why they cannot be read. */
  readonly unreadable: string | null;
  /** Why containerd must be started again for its files to count; else null. */
  readonly stale: Stale | null;
}

/** Files that containerd has not read as they are. */
export interface Stale {
  /** How that is seen. */
  readonly why: string;
  /** False where only the files' times tell it: they may say what they said. */
  readonly certain: boolean;
}

/** containerd's own configuration files. */
export interface PullFiles {
  /** Every file that was read, the main one first. */
  readonly paths: readonly string[];
  /** What they say. */
  readonly settings: CriSettings;
}

/** What is known beforehand. */
export interface PullsDeps {
  readonly options: {
    readonly containerdConfig: string;
    readonly containerdSock: string;
  };
  /** containerd's version. */
  readonly version: string;
  /** What its CRI plugin says that it runs with. */
  readonly running: unknown;
}

/**
 * Finds out how images are pulled.
 *
 * @param deps What is known beforehand
 * @returns What is known
 */
export async function pullsOf(deps: PullsDeps): Promise<Pulls> {
  const { options, version } = deps;
  const read = await readFiles(options.containerdConfig, version);
  const running = runningOf(deps.running);
  const settings = read.files?.settings;
  const set = running ?? (settings && valuesOf(settings));
  const by = set && settings && pullsByTransfer(settings, version)
    ? "transfer"
    : "local";
  const { configPath = "", ...rest } = set ?? {};
  return {
    from: running ? "containerd" : set ? "files" : "nowhere",
    snapshotter: "overlayfs",
    discardUnpackedLayers: false,
    concurrentLayerFetchBuffer: 0,
    ...rest,
    configPath,
    configFolders: foldersOf(configPath, by),
    by,
    ...read,
    stale: running && settings
      ? difference(running, valuesOf(settings))
      : await changedAfterStart(options.containerdSock, read.files),
  };
}

interface Values {
  readonly configPath: string;
  readonly snapshotter: string;
  readonly discardUnpackedLayers: boolean;
  readonly concurrentLayerFetchBuffer?: number;
}

function valuesOf(settings: CriSettings): Values {
  return {
    configPath: settings.configPath.value,
    snapshotter: settings.snapshotter.value,
    discardUnpackedLayers: settings.discardUnpackedLayers.value,
    concurrentLayerFetchBuffer: settings.concurrentLayerFetchBuffer.value,
  };
}

async function readFiles(
  path: string,
  version: string,
): Promise<Pick<Pulls, "files" | "unreadable">> {
  try {
    const config = await readContainerdConfig(path, DENO_FILES);
    if (!config) return { files: null, unreadable: `there is no ${path}` };
    const paths = config.files.map((file) => file.path);
    const settings = criSettings(config, version);
    return { files: { paths, settings }, unreadable: null };
  } catch (error) {
    const unreadable = error instanceof Error ? error.message : String(error);
    return { files: null, unreadable };
  }
}

/** containerd 1.x tells all; 2.x says nothing of images here. */
function runningOf(config: unknown): Values | null {
  const at = (value: unknown, key: string) =>
    typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)[key]
      : undefined;
  const configPath = at(at(config, "registry"), "configPath");
  const containerd = at(config, "containerd");
  const snapshotter = at(containerd, "snapshotter");
  if (typeof configPath !== "string" || typeof snapshotter !== "string") {
    return null;
  }
  return {
    configPath,
    snapshotter,
    discardUnpackedLayers: at(containerd, "discardUnpackedLayers") === true,
  };
}

/** Any setting that the transfer service does not know turns it off. */
function pullsByTransfer(settings: CriSettings, version: string): boolean {
  return isAtLeast(version, "2.1") &&
    !settings.useLocalImagePull.value &&
    !settings.discardUnpackedLayers.value &&
    !settings.legacyRegistry.value &&
    !settings.imagePullWithSyncFs.value &&
    settings.disableSnapshotAnnotations.value &&
    settings.maxConcurrentDownloads.value === 3;
}

/** The transfer service takes a list for the name of one folder. */
function foldersOf(configPath: string, by: Pulls["by"]): string[] {
  const parts = by === "transfer" ? [configPath] : configPath.split(":");
  return parts.filter((part) => part !== "")
    .map((part) => part.replace(/(?<=.)\/+$/, ""));
}

/** The names of settings as they stand in the files. */
const NAMES: readonly (readonly [keyof Values, string])[] = [
  ["configPath", "config_path"],
  ["snapshotter", "snapshotter"],
  ["discardUnpackedLayers", "discard_unpacked_layers"],
];

function difference(running: Values, filed: Values): Stale | null {
  const differ = NAMES.filter(([name]) => running[name] !== filed[name]);
  const said = differ.map(([name, key]) =>
    `${key} is ${JSON.stringify(running[name])} in containerd and ${
      JSON.stringify(filed[name])
    } in its files`
  );
  return said.length > 0 ? { why: said.join(", "), certain: true } : null;
}

/** containerd makes its socket when it starts, after it has read its files. */
async function changedAfterStart(
  socket: string,
  files: PullFiles | null,
): Promise<Stale | null> {
  const started = await changedAt(socket);
  for (const file of files?.paths ?? []) {
    const changed = await changedAt(file);
    if (started && changed && changed > started) {
      const why = `${file} was changed after containerd had started`;
      return { why, certain: false };
    }
  }
  return null;
}

async function changedAt(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? null;
  } catch {
    return null; // Another check says what is wrong with it.
  }
}
