/**
 * Who this node is in the swarm: an Ed25519 key, kept in the data folder, so that
 * the others know it again after a restart.
 *
 * @module
 */

import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { Buffer } from "node:buffer";
import {
  DENO_FILES,
  type FileOperations,
} from "../../hosts/file_operations.ts";
import { replaceFile } from "../../hosts/replace_file.ts";
import type { Log } from "../../log.ts";

/** An Ed25519 key pair (RFC 8032). */
export interface Identity {
  /** 32 bytes. */
  readonly privateKey: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** What keeping it needs of other parts. */
export interface IdentityDeps {
  /** Hears when a node becomes another one. */
  readonly log: Log;
  /**
   * How files are read and written.
   *
   * @default {DENO_FILES}
   */
  readonly files?: FileOperations;
}

/** Name of the file in the data folder: PKCS #8 (RFC 5958) in PEM, mode 0600. */
export const IDENTITY_FILE = "identity.pem";

/** A PEM of an Ed25519 key has 119 bytes. */
const MAX_PEM_BYTES = 4 << 10;

/**
 * Gives the identity that the folder keeps, or a new one, which it then keeps. A
 * broken file is replaced, and where nothing can be written, the node has a new
 * identity each time: neither is a reason not to start.
 *
 * @param folder The data folder; it is made where it is absent
 * @param deps Log and files
 * @returns The identity
 */
export async function keptIdentity(
  folder: string,
  { log, files = DENO_FILES }: IdentityDeps,
): Promise<Identity> {
  const path = `${folder}/${IDENTITY_FILE}`;
  try {
    const there = await files.status(path);
    const kept = there?.kind === "file" && parse(await files.read(path));
    if (kept) return identityOf(kept);
    if (there) log.warn("identity is broken: replaced", { path });
  } catch (error) {
    log.warn("identity cannot be read", { path, error });
  }
  const privateKey = newKey();
  const pem = privateKey.export({ format: "pem", type: "pkcs8" });
  try {
    await files.makeFolder(folder);
    const bytes = new TextEncoder().encode(String(pem));
    await replaceFile(files, path, { bytes, mode: 0o600 });
  } catch (error) {
    log.warn("identity cannot be kept: a new one at each start", {
      path,
      error,
    });
  }
  return identityOf(privateKey);
}

/** An identity that is kept nowhere. */
export function newIdentity(): Identity {
  return identityOf(newKey());
}

function newKey(): KeyObject {
  return generateKeyPairSync("ed25519").privateKey;
}

/** Reads a key; undefined when it is none. */
function parse(bytes: Uint8Array): KeyObject | undefined {
  if (bytes.length === 0 || bytes.length > MAX_PEM_BYTES) return undefined;
  try {
    const key = createPrivateKey(Buffer.from(bytes));
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined; // Cut off, or something else.
  }
}

function identityOf(key: KeyObject): Identity {
  const { d = "", x = "" } = key.export({ format: "jwk" });
  return { privateKey: fromBase64(d), publicKey: fromBase64(x) };
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}
