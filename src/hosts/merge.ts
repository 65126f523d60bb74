/**
 * The text that goes into a folder: Peili's hosts first, then everything that
 * the user had there. Pure: no files.
 * @module
 */

import { certificateSettings } from "./certificates.ts";
import { endpointKey } from "./endpoint.ts";
import { formatHostsToml, parseHostsToml } from "./hosts_toml.ts";
import type { HostsFile } from "./hosts_toml.ts";
import { type Mark, markText, ownershipOf } from "./mark.ts";

/** What is in a folder now. */
export interface FolderContent {
  /** The text of its `hosts.toml`, or null if there is none. */
  text: string | null;
  /** Names of the files in it. */
  names: readonly string[];
}

/** What a folder's `hosts.toml` becomes. */
export interface MergedText {
  /** The whole new text. */
  text: string;
  /** Whether the text that it replaces is the user's, so must be kept. */
  replacesUser: boolean;
}

/** The user's part of a folder's `hosts.toml`. */
interface UserPart {
  file: HostsFile;
  merged: boolean;
  replacesUser: boolean;
}

/**
 * Puts Peili's hosts before the user's. The user's `server` and its settings
 * stay; a host of the user's with the URL of one of Peili's gives way.
 *
 * @throws {SyntaxError} when the text that is there cannot be read.
 */
export function mergeHosts(own: HostsFile, now: FolderContent): MergedText {
  const { file, merged, replacesUser } = userPart(now);
  const added = {
    ...(own.server === undefined ? {} : { server: own.server }),
    // Without a hosts.toml of the user's, certificates beside it are in use.
    ...(merged ? {} : certificateSettings(now.names)),
  };
  const urls = new Set(own.hosts.map(({ url }) => endpointKey(url)));
  const theirs = file.hosts.filter(({ url }) => !urls.has(endpointKey(url)));
  const mark: Mark = {
    hosts: own.hosts.map(({ url }) => url),
    settings: Object.keys(added).filter((name) => !(name in file)),
    merged,
  };
  const value = { ...added, ...file, hosts: [...own.hosts, ...theirs] };
  return { text: markText(formatHostsToml(value), mark), replacesUser };
}

function userPart({ text }: FolderContent): UserPart {
  // containerd takes an empty file for an absent one.
  if (text === null || text === "") {
    return { file: { hosts: [] }, merged: false, replacesUser: text !== null };
  }
  const file = parseHostsToml(text);
  const owner = ownershipOf(text);
  if (owner.kind === "user") return { file, merged: true, replacesUser: true };
  const { mark } = owner;
  const urls = new Set(mark.hosts.map(endpointKey));
  const hosts = file.hosts.filter(({ url }) => !urls.has(endpointKey(url)));
  if (owner.kind === "edited") {
    // Settings may be what was edited, so all of them count as the user's.
    return { file: { ...file, hosts }, merged: true, replacesUser: true };
  }
  const kept = Object.entries(file)
    .filter(([name]) => !mark.settings.includes(name));
  return {
    file: { ...Object.fromEntries(kept), hosts },
    merged: mark.merged,
    replacesUser: false,
  };
}
