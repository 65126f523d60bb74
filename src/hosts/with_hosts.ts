/**
 * What a folder's `hosts.toml` becomes when a deployment's hosts are put before
 * the user's, and when they are taken out. Pure: no files.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { certificateSettings } from "./certificates.ts";
import { composeText, withoutTables } from "./compose.ts";
import {
  formatHostsToml,
  type HostEntry,
  type HostSettings,
  type HostsFile,
  parseHostsToml,
} from "./hosts_toml.ts";
import { type Part, type Region, type SplitText, splitText } from "./region.ts";
import { type RegistryEntry, registryEntry } from "./registry_entry.ts";

/** A host that is asked before the registry. */
export interface MirrorHost extends HostEntry {
  /**
   * Whether it is Peili, which redirects to the registry: containerd follows
   * with the settings of this entry, so the registry's TLS goes into it.
   */
  redirects: boolean;
}

/** What a deployment wants in one folder. */
export interface WantedHosts {
  /** The deployment's name. */
  readonly deployment: string;
  /** `host[:port]` as in an image name; null for `_default`. */
  readonly registry: string | null;
  /** Where the registry is, for a file that does not say. */
  readonly server?: string;
  /** In the order in which containerd asks. */
  readonly hosts: readonly MirrorHost[];
}

/** What is in a folder now. */
export interface FolderContent {
  /** Whether the folder is there. */
  readonly exists: boolean;
  /** The text of its `hosts.toml`, or null if there is none. */
  readonly text: string | null;
  /** Names of the files in it. */
  readonly names: readonly string[];
}

/** What a folder's `hosts.toml` becomes. */
export interface ComposedText {
  /** The whole new text; null: no file, as before Peili came. */
  readonly text: string | null;
  /** What goes with the file when it goes: its folder, or nothing. */
  readonly made: Region["made"];
  /** Whether the user has changed his part since Peili last wrote. */
  readonly userEdited: boolean;
  /** Whether the user has changed this deployment's lines, which stay so. */
  readonly partEdited: boolean;
}

/**
 * Puts a deployment's hosts before the user's, or in place of those that it has
 * there. A host of the user's with the same URL gives way, all else stays.
 *
 * @throws {SyntaxError} when the text that is there cannot be read, or cannot
 * be added to; the message says what to do.
 */
export function withHosts(
  now: FolderContent,
  wanted: WantedHosts,
): ComposedText {
  const split = splitText(now.text ?? "");
  const region = split.region ?? {
    made: now.text !== null ? null : now.exists ? "file" as const : "folder",
    settings: "",
    settingsEdited: null,
    parts: [],
  };
  const file = userFile(split.user, now.names);
  const others = region.parts.filter(({ deployment }) =>
    deployment !== wanted.deployment
  );
  const old = region.parts.find((part) => !others.includes(part));
  const part = newPart(wanted, { file, old });
  const parts = old
    ? region.parts.map((one) => one === old ? part : one)
    : [...others, part];
  const settings = newSettings(wanted, { split, region, file, others, now });
  return {
    text: composeText(split.user, { ...region, ...settings, parts }),
    made: region.made,
    userEdited: split.userEdited,
    partEdited: part.edited !== null,
  };
}

/**
 * Takes a deployment's lines out. What the user wrote between them stays.
 *
 * @returns null when nothing of the deployment is there.
 * @throws {SyntaxError} when it cannot be told which lines are Peili's.
 */
export function withoutHosts(
  text: string,
  deployment: string,
): ComposedText | null {
  const { user, at, region, userEdited } = splitText(text);
  const gone = region?.parts.find((part) => part.deployment === deployment);
  if (!region || !gone) return null;
  const parts = region.parts.filter((part) => part !== gone);
  const last = parts.length === 0;
  // What is left of lines that the user changed is his from now on.
  const left = (last && region.settingsEdited ? region.settings : "") +
    (gone.edited ? withoutTables(gone.text, gone.urls) : "");
  const newline = left !== "" && at > 0 && user[at - 1] !== "\n" ? "\n" : "";
  const kept = user.slice(0, at) + newline + left + user.slice(at);
  const made = last && kept === "" ? region.made : null;
  return {
    text: last ? (made ? null : kept) : composeText(kept, { ...region, parts }),
    made,
    userEdited,
    partEdited: gone.edited !== null,
  };
}

/** What the user's text, and what lies beside it, say to containerd. */
export function userFile(user: string, names: readonly string[]): HostsFile {
  // containerd takes an empty file for an absent one.
  if (user !== "") return parseHostsToml(user);
  return { ...certificateSettings(names), hosts: [] };
}

function newPart(
  wanted: WantedHosts,
  { file, old }: { file: HostsFile; old: Part | undefined },
): Part {
  const { deployment, registry, hosts } = wanted;
  const tls = tlsOf(registryEntry(file, registry));
  const own = hosts.map(({ redirects, ...host }) =>
    redirects ? { ...host, ...tls } : host
  );
  const text = `${formatHostsToml({ hosts: own })}\n`;
  const urls = own.map(({ url }) => url);
  if (!old?.edited) return { deployment, text, urls, edited: null };
  if (isDeepStrictEqual(urls, old.urls)) return old;
  throw new SyntaxError(
    `the lines below "# peili: deployment ${deployment}" were edited and ` +
      "name other hosts than wanted now; delete them and that comment, and " +
      "run configure again",
  );
}

/**
 * What containerd needs to follow a redirect to the registry. Nothing where it
 * speaks http: with any of it, containerd tries https first at the mirror.
 */
function tlsOf({ url, ca, client, skipVerify }: RegistryEntry): HostSettings {
  if (url?.startsWith("http://")) return {};
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(client === undefined ? {} : { client }),
    ...(skipVerify ? { skipVerify } : {}),
  };
}

/** What the file must say besides hosts, where the user does not say it. */
function newSettings(
  wanted: WantedHosts,
  { split, region, file, others, now }: {
    split: SplitText;
    region: Region;
    file: HostsFile;
    others: readonly Part[];
    now: FolderContent;
  },
): Pick<Region, "settings" | "settingsEdited"> {
  if (region.settingsEdited) {
    parseHostsToml(region.settings);
    return region;
  }
  const before = others.length > 0
    ? parseHostsToml(region.settings).server
    : undefined;
  const server = file.server ? undefined : wanted.server ?? before;
  const settings = {
    ...(server === undefined ? {} : { server }),
    // Without a hosts.toml of the user's, certificates beside it are in use.
    ...(split.user === "" ? certificateSettings(now.names) : {}),
  };
  const text = formatHostsToml({ ...settings, hosts: [] });
  return { settings: text && `${text}\n`, settingsEdited: null };
}
