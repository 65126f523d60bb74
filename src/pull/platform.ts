/**
 * Platforms, and choosing those of an index (OCI image spec v1.1, "Image
 * Index").
 *
 * @module
 */

/** What an image runs on; the words are Go's. */
export interface Platform {
  /** `linux` */
  readonly os: string;
  /** `amd64` */
  readonly architecture: string;
  /** `v8`; missing where there is one only. */
  readonly variant?: string;
}

/** Platforms to pull: one, or all that an index has. */
export type WantedPlatform = Platform | "all";

/** Names of architectures: Deno's, and what people write. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  "x86_64": "amd64",
  "x86-64": "amd64",
  "aarch64": "arm64",
};

/**
 * Reads a platform.
 *
 * @param text `all`, or `os/arch[/variant]`
 * @returns The platform, or null when it is none
 */
export function parsePlatform(text: string): WantedPlatform | null {
  if (text === "all") return "all";
  const parts = text.toLowerCase().split("/");
  if (parts.length < 2 || parts.length > 3) return null;
  if (!parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) return null;
  const [os = "", arch = "", variant] = parts;
  const architecture = ARCHITECTURES[arch] ?? arch;
  return { os, architecture, ...variant === undefined ? {} : { variant } };
}

/**
 * The platform of containers on this machine: they are Linux's, even where
 * Docker runs them in a virtual machine.
 *
 * @returns Linux and this machine's architecture, `linux/amd64`
 */
export function ownPlatform(): string {
  return `linux/${ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch}`;
}

/** Writes a platform as people do. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return [os, architecture, variant].filter(Boolean).join("/");
}

/** Its variants run what is made for earlier ones, too. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = {
  amd64: "v1",
  arm: "v7",
  arm64: "v8",
};

/**
 * Chooses what to pull of an index.
 *
 * @param entries Its entries
 * @param wanted One platform, or all
 * @returns All of them; or the best for the platform; or, where no entry has a
 * platform, as in an index of artifacts, all again. Empty: none fits
 */
export function choosePlatform<T extends { readonly platform?: Platform }>(
  entries: readonly T[],
  wanted: WantedPlatform,
): readonly T[] {
  if (wanted === "all") return entries;
  if (entries.every(({ platform }) => platform === undefined)) return entries;
  const fitting = entries.filter(({ platform }) =>
    platform !== undefined && runsOn(platform, wanted)
  );
  const [best] = fitting.toSorted((a, b) =>
    variantNumber(b.platform) - variantNumber(a.platform)
  );
  return best ? [best] : [];
}

function runsOn(platform: Platform, wanted: Platform): boolean {
  return platform.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    variantNumber(platform) <= variantNumber(wanted);
}

/** Later variants have larger numbers; an unknown one is larger than all. */
function variantNumber(platform: Platform | undefined): number {
  const variant = platform?.variant ??
    DEFAULT_VARIANTS[platform?.architecture ?? ""] ?? "v0";
  const [, digits] = /^v([0-9]{1,2})/.exec(variant) ?? [];
  return digits === undefined ? Infinity : Number(digits);
}
