/**
 * An image of Peili's own in containerd: made, pulled as kubelet pulls, and
 * removed with all that came of it.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import {
  type ContainerdCalls,
  containerdCalls,
  type ContainerdClient,
  containerdClient,
  type ContainerdClientOptions,
} from "./client.ts";
import { NODE_API } from "./node_api.ts";

/** One piece of content to be. */
export interface OwnContent {
  /** What it is. */
  readonly mediaType: string;
  /** Its digest. */
  readonly digest: Digest;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** What it refers to: its config, then its layers. */
  readonly refersTo?: readonly Digest[];
}

/** Makes, pulls and removes images. Each call rejects while containerd is away. */
export interface OwnImages extends Disposable {
  /**
   * Makes an image. Should nobody remove it, containerd 2.0 and later does at
   * the time that is given; before 2.0 only what was not finished goes then.
   *
   * @param name `registry/repository:tag`
   * @param contents What it is made of, its manifest last
   * @param expires When it goes by itself
   */
  make(
    name: string,
    contents: readonly OwnContent[],
    options: { readonly expires: Date; readonly signal: AbortSignal },
  ): Promise<void>;
  /**
   * Pulls an image as kubelet does.
   *
   * @throws {Error} With containerd's words
   */
  pull(
    name: string,
    options: { readonly budgetMs: number; readonly signal: AbortSignal },
  ): Promise<void>;
  /**
   * Removes every image whose name begins so, under all the names that CRI gave
   * it, and the leases.
   *
   * @returns How many names there were
   */
  remove(prefix: string, signal: AbortSignal): Promise<number>;
}

/** A lease of an image has the image's name with slashes and colons replaced. */
function leaseOf(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9.-]/g, "-");
}

const SERVICES = "containerd.services";

/** Labels by which garbage collection knows what a manifest refers to. */
const CHILD_LABEL = "containerd.io/gc.ref.content";
const EXPIRES_LABEL = "containerd.io/gc.expire";

/** Milliseconds for a write, which waits for the disk. */
const WRITE_MS = 2_000;

/** WriteAction COMMIT of the API: these bytes are all. */
const COMMIT = 2;

const ALREADY_EXISTS = 6;

/**
 * Connects to a containerd to make images in it.
 *
 * @param options Socket and namespace
 * @param calls How it is asked, for tests
 * @param client Lists what is there, for tests
 * @returns The images; disposing it closes the connections
 */
export function ownImages(
  options: ContainerdClientOptions,
  calls: ContainerdCalls = containerdCalls(options, NODE_API),
  client: ContainerdClient = containerdClient(options),
): OwnImages {
  return {
    async make(name, contents, { expires, signal }) {
      const lease = leaseOf(name);
      const labels = { [EXPIRES_LABEL]: expires.toISOString() };
      await calls.unary(
        `${SERVICES}.leases.v1.Leases/Create`,
        { id: lease, labels },
        { signal, deadlineMs: WRITE_MS },
      );
      for (const content of contents) await put(calls, lease, content, signal);
      const manifest = contents.at(-1);
      if (!manifest) throw new TypeError("Cannot make an image of nothing");
      const { mediaType, digest, bytes } = manifest;
      const target = { ["media_type"]: mediaType, digest, size: bytes.length };
      await calls.unary(
        `${SERVICES}.images.v1.Images/Create`,
        { image: { name, labels, target } },
        { signal, deadlineMs: WRITE_MS },
      );
    },
    async pull(name, { budgetMs, signal }) {
      await calls.unary(
        "runtime.v1.ImageService/PullImage",
        { image: { image: name } },
        { signal, deadlineMs: budgetMs },
      );
    },
    remove: (prefix, signal) => remove({ calls, client }, prefix, signal),
    [Symbol.dispose]() {
      calls[Symbol.dispose]();
      client[Symbol.dispose]();
    },
  };
}

/** Writes content in one message; what is there already stays as it is. */
async function put(
  calls: ContainerdCalls,
  lease: string,
  { digest, bytes, refersTo = [] }: OwnContent,
  signal: AbortSignal,
): Promise<void> {
  const labels = Object.fromEntries(
    refersTo.map((child, i) => [
      i === 0 ? `${CHILD_LABEL}.config` : `${CHILD_LABEL}.l.${i - 1}`,
      child,
    ]),
  );
  const answers = calls.messages(
    `${SERVICES}.content.v1.Content/Write`,
    {
      action: COMMIT,
      ref: `peili-${digest}`,
      total: bytes.length,
      expected: digest,
      data: bytes,
      labels,
    },
    {
      signal,
      deadlineMs: WRITE_MS,
      headers: { "containerd-lease": lease },
    },
  );
  try {
    for await (const _answer of answers);
  } catch (error) {
    if ((error as { code?: unknown }).code !== ALREADY_EXISTS) throw error;
  }
}

async function remove(
  { calls, client }: { calls: ContainerdCalls; client: ContainerdClient },
  prefix: string,
  signal: AbortSignal,
): Promise<number> {
  const options = { signal, deadlineMs: WRITE_MS };
  const images = await client.images(signal);
  const own = images.filter(({ name }) => name.startsWith(prefix));
  for (const { name } of own) {
    // CRI remembers images by itself; without CRI there is nothing to forget.
    await calls.unary(
      "runtime.v1.ImageService/RemoveImage",
      { image: { image: name } },
      options,
    ).catch(() => {});
  }
  // CRI names each image by its digests, too.
  const targets = new Set(own.map(({ target }) => target));
  for (const { name, target } of images) {
    if (!targets.has(target)) continue;
    await calls.unary(
      `${SERVICES}.images.v1.Images/Delete`,
      { name },
      options,
    );
  }
  await removeLeases(calls, leaseOf(prefix), options);
  return own.length;
}

/** Waits for the garbage collection that follows the last one's end. */
async function removeLeases(
  calls: ContainerdCalls,
  prefix: string,
  options: { signal: AbortSignal; deadlineMs: number },
): Promise<void> {
  const answer = await calls.unary<{ leases: { id: string }[] }>(
    `${SERVICES}.leases.v1.Leases/List`,
    {},
    options,
  );
  for (const { id } of answer?.leases ?? []) {
    if (!id.startsWith(prefix)) continue;
    await calls.unary(
      `${SERVICES}.leases.v1.Leases/Delete`,
      { id, sync: true },
      options,
    );
  }
}
