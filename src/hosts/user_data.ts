/**
 * A script that writes `hosts.toml` files on a machine that is being set up:
 * user data for cloud-init. Pure: no files.
 * @module
 */

import { type MirrorHosts, NODE_IP } from "./mirror_hosts.ts";
import { withoutHashes } from "./region.ts";
import { withHosts } from "./with_hosts.ts";
import { registryOf } from "./folders.ts";

/** What the script writes. */
export interface UserDataOptions {
  /** The folder of `config_path`, on the machine. */
  readonly configPath: string;
  /** The deployment that may change and restore the files later. */
  readonly deployment: string;
  /** What `mirrorHosts` returned; `NODE_IP` in it is filled in. */
  readonly hosts: readonly MirrorHosts[];
}

/**
 * Makes the script. It leaves alone what is there already, and what it writes
 * `configure` and `restore` know for their own.
 */
export function userData(options: UserDataOptions): string {
  const files = options.hosts.map(({ folder, ...rest }) => {
    const registry = registryOf(folder);
    const now = { exists: false, text: null, names: [] };
    const wanted = { ...rest, registry, deployment: options.deployment };
    return { folder, ...withHosts(now, wanted) };
  });
  const filledIn = files.some(({ text }) => text?.includes(NODE_IP));
  return [
    "#!/bin/sh",
    "# Tells containerd to ask Peili first. User data for cloud-init.",
    "set -eu",
    "umask 022",
    ...(filledIn ? FIND_ADDRESS : []),
    ...files.flatMap(({ folder, text }) => {
      const path = quoted(`${options.configPath}/${folder}`);
      return [
        `folder=${path}`,
        'if [ -e "$folder/hosts.toml" ]; then',
        '  echo "$folder/hosts.toml is there already: left as it is" >&2',
        "else",
        '  mkdir -p "$folder"',
        `  ${
          filledIn ? 'sed "s/NODE_IP/$NODE_IP/g"' : "cat"
        } > "$folder/.hosts.toml" << 'END_OF_HOSTS'`,
        `${filledIn ? withoutHashes(text ?? "") : text}END_OF_HOSTS`,
        '  mv "$folder/.hosts.toml" "$folder/hosts.toml"',
        "fi",
      ];
    }),
    "",
  ].join("\n");
}

/** The first address is the one that the machine was given at its start. */
const FIND_ADDRESS = [
  "NODE_IP=${NODE_IP:-$(hostname -I | cut -d ' ' -f 1)}",
  'case $NODE_IP in *:*) NODE_IP="[$NODE_IP]" ;; esac',
];

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
