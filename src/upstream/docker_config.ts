/**
 * Registry credentials from where `docker login` and its kin put them: the
 * Docker config file, or the helper that it names.
 *
 * @module
 */

import { runCredentialHelper } from "./credential_helper.ts";
import type { Credentials, FindCredentials } from "./credentials.ts";

/** Where the credentials are. */
export interface DockerConfigOptions {
  /** Path of the `config.json`; it need not be there. */
  readonly path: string;
  /**
   * Asks a helper by its name, `desktop` for `docker-credential-desktop`.
   *
   * @default {runCredentialHelper}
   */
  readonly askHelper?: typeof runCredentialHelper;
}

/** The part of the file that is about credentials; nothing in it is certain. */
interface DockerConfig {
  readonly auths?: Record<string, unknown>;
  readonly credHelpers?: Record<string, unknown>;
  readonly credsStore?: unknown;
}

/** Docker Hub's name in these files and at the helpers. */
const DOCKER_HUB = "https://index.docker.io/v1/";

/** A file of this many bytes is no configuration. */
const MAX_CONFIG_BYTES = 1 << 20;

/**
 * Makes the finder. The file is read, and a helper run, when somebody asks.
 *
 * @param options Where the file is
 * @returns The finder: the registry's helper, else the helper for all, else
 * the file; it throws when the file or the helper cannot be used
 */
export function dockerCredentials(
  options: DockerConfigOptions,
): FindCredentials {
  const { path, askHelper = runCredentialHelper } = options;
  return async (registry, signal) => {
    const config = await readConfig(path);
    if (!config) return null;
    const key = registry === "docker.io" ? DOCKER_HUB : registry;
    const helper = config.credHelpers?.[key] ??
      config.credHelpers?.[registry] ?? config.credsStore;
    if (typeof helper === "string" && helper !== "") {
      const found = await askHelper(helper, key, signal);
      if (found) return found;
    }
    return fromAuths(config.auths ?? {}, key);
  };
}

async function readConfig(path: string): Promise<DockerConfig | null> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_CONFIG_BYTES) throw new RangeError("it is too large");
    const value = JSON.parse(await Deno.readTextFile(path));
    return typeof value === "object" ? value : null;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null; // Nobody logged in.
    throw new Error(`Cannot read the credentials in ${path}`, { cause });
  }
}

/** Old clients wrote keys with a scheme and a path. */
function fromAuths(
  auths: Record<string, unknown>,
  key: string,
): Credentials | null {
  const hostOf = (text: string) =>
    text.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const name = Object.hasOwn(auths, key)
    ? key
    : Object.keys(auths).find((other) => hostOf(other) === hostOf(key));
  const entry = name === undefined ? undefined : auths[name];
  return typeof entry === "object" && entry ? fromEntry({ ...entry }) : null;
}

function fromEntry(entry: Record<string, unknown>): Credentials | null {
  const { auth, identitytoken } = entry;
  if (typeof identitytoken === "string" && identitytoken !== "") {
    return { kind: "identity-token", token: identitytoken };
  }
  const [, name, secret] = typeof auth === "string"
    ? /^([^:]*):(.*)$/s.exec(decodeBase64(auth)) ?? []
    : [undefined, entry.username, entry.password];
  const username = typeof name === "string" ? name : "";
  const password = typeof secret === "string" ? secret : "";
  return username === "" ? null : { kind: "password", username, password };
}

function decodeBase64(text: string): string {
  try {
    const bytes = Uint8Array.fromBase64(text);
    return new TextDecoder().decode(bytes);
  } catch {
    return ""; // Then it holds no credentials.
  }
}
