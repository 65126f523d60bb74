/**
 * What the lab needs on the machine, in one place. Run by itself, this file
 * prints the names of the missing Debian packages, one line for apt.
 *
 * @module
 */
import { hasCommand } from "./command.ts";

/** Debian packages, and the commands that the lab takes from each. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  buildah: ["buildah"],
  containerd: ["containerd", "ctr"],
  "containernetworking-plugins": ["/usr/lib/cni/bridge"],
  curl: ["curl"],
  "dnsmasq-base": ["dnsmasq"],
  "docker-registry": ["docker-registry"],
  "etcd-server": ["etcd"],
  iproute2: ["ip", "tc"],
  mount: ["mount", "umount"],
  nftables: ["nft"],
  podman: ["podman"],
  runc: ["runc"],
  skopeo: ["skopeo"],
  "util-linux": ["nsenter", "setsid", "unshare"],
};

/** The packages with a command that cannot be found, sorted. */
export async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, commands] of Object.entries(PACKAGES)) {
    const found = await Promise.all(commands.map(hasCommand));
    if (!found.every(Boolean)) missing.push(name);
  }
  return missing;
}

/**
 * Checks that a lab can run here.
 *
 * @throws {Error} when not run by root, or when packages are missing; the
 * message is one line that says what to do.
 */
export async function checkMachine(): Promise<void> {
  if (Deno.uid() !== 0) {
    throw new Error("Cannot start a lab: it makes namespaces, so run as root");
  }
  const missing = await missingPackages();
  if (missing.length > 0) {
    throw new Error(
      `Cannot start a lab: run apt-get install -y --no-install-recommends ${
        missing.join(" ")
      }`,
    );
  }
}

if (import.meta.main) {
  const names = await missingPackages();
  await Deno.stdout.write(new TextEncoder().encode(`${names.join(" ")}\n`));
}
