/** The hosts.toml files that a lab gives to its containerds. @module */

/** Where every mirror of the lab answers its own containerd. */
export const MIRROR_ADDRESS = "127.0.0.1:30020";

/** One host that may resolve tags and give content. */
function hostEntry(url: string): string {
  return `[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`;
}

/** The registry alone. containerd 1.x ignores a file without a [host]. */
export function hostsWithoutMirror(registryUrl: string): string {
  return hostEntry(registryUrl);
}

/** The node's mirror first, then the registry. */
export function hostsWithMirror(registryUrl: string): string {
  return [
    `server = "${registryUrl}"\n`,
    hostEntry(`http://${MIRROR_ADDRESS}`),
    hostEntry(registryUrl),
  ].join("\n");
}
