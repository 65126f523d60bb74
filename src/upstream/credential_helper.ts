/**
 * Credentials from a program: the protocol of docker-credential-helpers, `get`
 * with the registry on stdin.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { readText } from "../async/read_text.ts";
import type { Credentials } from "./credentials.ts";

/** A person may have to unlock a keychain first: milliseconds. */
const HELPER_MS = 60_000;

/** An answer is a few hundred bytes; tokens may have some thousand. */
const MAX_ANSWER_BYTES = 64 << 10;

/** What helpers say, with exit code 1, of a registry that they do not know. */
const NOT_FOUND = /credentials not found/i;

/** In place of a user's name: the secret is a token of an earlier login. */
const TOKEN_USER = "<token>";

/**
 * Asks a credential helper.
 *
 * @param name Its name without `docker-credential-`
 * @param registry The registry as the Docker config file calls it
 * @param signal Ends the program
 * @returns The credentials, or null when it has none
 * @throws {Error} If it cannot be run or answers nonsense
 */
export async function runCredentialHelper(
  name: string,
  registry: string,
  signal: AbortSignal,
): Promise<Credentials | null> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    throw new Error(`Cannot run ${program}: it is no program's name`);
  }
  using limit = deadline(signal, HELPER_MS);
  const { code, text } = await run(program, registry, limit.signal);
  if (NOT_FOUND.test(text)) return null;
  const credentials = code === 0 ? parseAnswer(text) : null;
  if (credentials) return credentials;
  // A failed helper says why; an answer that is no JSON may hold a secret.
  const why = code === 0 ? "it printed no credentials" : text.trim();
  throw new Error(`Cannot use ${program}: ${why || `exit code ${code}`}`);
}

async function run(
  program: string,
  input: string,
  signal: AbortSignal,
): Promise<{ code: number; text: string }> {
  signal.throwIfAborted();
  const child = start(program);
  const end = () => kill(child);
  signal.addEventListener("abort", end, { once: true });
  try {
    return await talk(child, input, signal);
  } catch (cause) {
    throw new Error(`Cannot use ${program}`, { cause });
  } finally {
    signal.removeEventListener("abort", end);
    kill(child);
    await child.status;
  }
}

async function talk(
  child: Deno.ChildProcess,
  input: string,
  signal: AbortSignal,
): Promise<{ code: number; text: string }> {
  const writer = child.stdin.getWriter();
  // One that does not read its input may answer all the same.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  // Who was started by the helper may hold its output open when it is killed.
  const answer = child.stdout.pipeThrough(new TransformStream(), { signal });
  const text = await readText(answer, MAX_ANSWER_BYTES);
  const { code } = await child.status;
  signal.throwIfAborted();
  return { code, text };
}

/** Not by SIGTERM: what hangs may not listen. */
function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}

function start(program: string): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: ["get"],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (cause) {
    const remedy = cause instanceof Deno.errors.NotCapable
      ? `allow it with --allow-run=${program}`
      : "is it in PATH?";
    throw new Error(`Cannot run ${program}: ${remedy}`, { cause });
  }
}

function parseAnswer(text: string): Credentials | null {
  try {
    const { Username: username, Secret: secret } = JSON.parse(text);
    if (typeof username !== "string" || typeof secret !== "string") return null;
    return username === TOKEN_USER
      ? { kind: "identity-token", token: secret }
      : { kind: "password", username, password: secret };
  } catch {
    return null; // Not JSON.
  }
}
