/**
 * Reading the text of an option: each throws a TypeError that says what is
 * allowed.
 *
 * @module
 */

import { isIP } from "node:net";
import { bracketed, parseEndpoint } from "./hosts/endpoint.ts";
import { isDeployment } from "./hosts/region.ts";
import type { ListenAddress } from "./listen.ts";
import type { StoreChoice } from "./node.ts";
import { isRegistry } from "./oci/reference.ts";
import { isName, parseMultiaddr } from "./routing/bootstrap/multiaddr.ts";
import { parseWantedImage, type WantedImage } from "./pull/image_name.ts";
import { parsePlatform, type WantedPlatform } from "./pull/platform.ts";

/** Reads a list, separated by commas or white space. */
export function listOf<T>(
  read: (text: string) => T,
): (text: string) => readonly T[] {
  return (text) =>
    // Not at the comma of a regular expression's {1,3}.
    text.split(/[\s,]+(?![^{]*\})/).filter((part) => part !== "").map(read);
}

/** Reads one of some words. */
export function oneOf<T extends string>(
  values: readonly T[],
): (text: string) => T {
  return (text) => {
    const value = values.find((allowed) => allowed === text);
    if (value) return value;
    throw new TypeError(`Allowed: ${values.join(", ")}.`);
  };
}

/** Reads true or false. */
export function yesOrNo(text: string): boolean {
  return oneOf(["true", "false"])(text.toLowerCase()) === "true";
}

/** Reads a text that says something. */
export function notEmpty(text: string): string {
  if (text.trim() !== "") return text.trim();
  throw new TypeError("It must not be empty.");
}

/** Reads the name of a network. */
export function networkName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/.test(text)) return text;
  throw new TypeError(
    "Allowed: 1 to 63 letters, digits, dots, underscores and hyphens.",
  );
}

/** Reads a number of seconds, up to a day. */
export function seconds(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= 86_400) return value;
  throw new TypeError("Allowed: 1 to 86400 seconds.");
}

/** Reads the name of a zone, as Kubernetes has values of labels. */
export function zoneName(text: string): string {
  if (/^[a-zA-Z0-9._-]{0,63}$/.test(text)) return text;
  throw new TypeError(
    "Allowed: at most 63 letters, digits, dots, underscores and hyphens.",
  );
}

/** Reads an absolute path. */
export function absolutePath(text: string): string {
  if (text.startsWith("/")) return text;
  throw new TypeError("Allowed: an absolute path.");
}

/** Reads where a node's content is. */
export function storeChoice(text: string): StoreChoice {
  if (text === "containerd") return { kind: "containerd" };
  const [, path = ""] = /^layout:(\/.*)$/s.exec(text) ?? [];
  if (path !== "") return { kind: "layout", path };
  throw new TypeError(
    "Allowed: containerd, or layout: and an absolute path.",
  );
}

const HOST_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9.-]*)):([0-9]{1,5})$/;

function hostPort(text: string): ListenAddress | null {
  const [, v6, name, port] = HOST_PORT.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) return null;
  return { hostname: v6 ?? name ?? "", port: Number(port) };
}

/** Reads where to listen; no host is every address. */
export function listenAddress(text: string): ListenAddress {
  const address = hostPort(text);
  if (!address) {
    throw new TypeError(
      "Allowed: :5000, 10.0.0.1:5000, [fd00::1]:5000.",
    );
  }
  return { ...address, hostname: address.hostname || "::" };
}

/** Reads where a peer's listener is. */
export function peerAddress(text: string): string {
  const address = hostPort(text);
  if (address && address.hostname !== "" && address.port > 0) return text;
  throw new TypeError(
    "Allowed: addresses such as 10.0.0.1:5002 or [fd00::1]:5002.",
  );
}

/** Reads an IP address, IPv6 with or without brackets. */
export function ipAddress(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return bare;
  throw new TypeError("Allowed: addresses such as 10.0.0.1.");
}

/** Reads a DNS name. */
export function domainName(text: string): string {
  if (isName(text)) return text;
  throw new TypeError(
    "Allowed: a DNS name such as peili.kube-system.svc.cluster.local.",
  );
}

/** Reads the URL of a node that is asked who it is. */
export function bootstrapUrl(text: string): string {
  try {
    // Spegel's takes host:port; so does this.
    return parseEndpoint(
      /^https?:/.test(text) ? text : `http://${text}`,
      "bootstrap peer",
    ).url;
  } catch {
    throw new TypeError(
      "Allowed: http(s)://host[:port] without a path.",
    );
  }
}

/** Reads a multiaddr. */
export function multiaddr(text: string): string {
  const address = parseMultiaddr(text);
  if (address !== null) return address;
  throw new TypeError(
    "Allowed: multiaddrs such as /ip4/10.0.0.1/tcp/5001 or /ip6/fd00::1/tcp/5001/p2p/ID.",
  );
}

/** What stands for all registries. */
export const ALL_REGISTRIES: ReadonlySet<string> = new Set(["_default", "*"]);

/** Checks a registry: its scheme is what containerd falls back to. */
export function registryUrl(text: string): string {
  const [, host = ""] = /^https?:\/\/(.*)$/s.exec(text) ?? [];
  if (ALL_REGISTRIES.has(text) || isRegistry(host)) return text;
  throw new TypeError(
    "Allowed: http(s)://host[:port] without a path, or _default.",
  );
}

/** Reads where containerd finds Peili, at least one place. */
export function mirrorTargets(text: string): readonly string[] {
  const targets = listOf(mirrorTarget)(text);
  if (targets.length > 0) return targets;
  throw new TypeError(TARGETS_ALLOWED);
}

/** Reads one place where containerd finds Peili. */
export function mirrorTarget(text: string): string {
  try {
    return parseEndpoint(bracketed(text), "mirror target").url;
  } catch {
    // Its message does not name the option; this one does.
    throw new TypeError(TARGETS_ALLOWED);
  }
}

const TARGETS_ALLOWED =
  "Allowed: one or more of http(s)://host[:port] without a path, IPv6 in brackets.";

/** Reads the name of a deployment. */
export function deployment(text: string): string {
  if (isDeployment(text)) return text;
  throw new TypeError(
    "Allowed: letters, digits, dots, hyphens and underscores.",
  );
}

/** Reads where one registry is. */
export function upstreamOf(text: string): [string, string] {
  const [registry = "", url = ""] = text.split(/=(.*)/s);
  if (isRegistry(registry) && /^https?:\/\/[^/]/.test(url)) {
    return [registry, url];
  }
  throw new TypeError(
    "Allowed: registry=url, such as docker.io=https://registry-1.docker.io.",
  );
}

/** Reads a number of streams. */
export function streams(text: string): number {
  const count = /^[0-9]{1,2}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= 64) return count;
  throw new TypeError("Allowed: 1 to 64.");
}

/** Reads a regular expression, of this language or of Go. */
export function regex(text: string): RegExp {
  // Go writes "ignore case" into the expression.
  const [, flag, source = ""] = /^(\(\?i\))?(.*)$/s.exec(text) ?? [];
  try {
    return new RegExp(source, flag ? "i" : "");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`It is no regular expression: ${reason}.`);
  }
}

/** Reads the image that is to be pulled. */
export function wantedImage(text: string): WantedImage {
  const image = parseWantedImage(text);
  if (image) return image;
  throw new TypeError(
    "Allowed: [registry/]repository[:tag][@digest], in small letters.",
  );
}

/** Reads the folder of a layout, which may be relative: `layout:./usb`. */
export function layoutPath(text: string): string {
  const [, path] = /^layout:(.+)$/s.exec(text) ?? [];
  if (path !== undefined) return path;
  throw new TypeError("Allowed: layout: and a folder's path.");
}

/** Reads the platform that is to be pulled. */
export function wantedPlatform(text: string): WantedPlatform {
  const platform = parsePlatform(text);
  if (platform) return platform;
  throw new TypeError(
    "Allowed: all, or a platform such as linux/amd64 or linux/arm/v7.",
  );
}

/** Reads where a mirror is; empty for none. */
export function mirrorUrl(text: string): string {
  if (text === "") return "";
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (isRegistry(url.replace(/^https?:\/\//, ""))) return url;
  throw new TypeError(
    "Allowed: host:port, or http(s)://host:port without a path.",
  );
}
