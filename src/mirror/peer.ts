/**
 * One peer as a content source, by fetch.
 *
 * @module
 */

import type { ContentSource, Located, OpenContent } from "../content/source.ts";
import { type Descriptor, descriptorFromHeaders } from "../oci/descriptor.ts";
import { RegistryError } from "../oci/error.ts";
import { MANIFEST_TYPES } from "../oci/media_type.ts";
import {
  type ByteRange,
  formatRange,
  parseContentRange,
  type RangeRequest,
  resolveRange,
} from "../oci/range.ts";
import type { TagReference } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";
import type { PeerFetch } from "../routing/peer_fetch.ts";

/** How a peer is reached. */
export interface PeerOptions {
  /** `host:port` of its peer listener; IPv6 in brackets. */
  readonly address: string;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: PeerFetch;
}

/** Manifests may be any of these; blobs are what they are. */
const ACCEPT_MANIFESTS = [...MANIFEST_TYPES].join(", ");

/**
 * Makes the source of what one peer has. Only headers are judged here: bytes
 * are for whoever reads them.
 *
 * @param options Where the peer is
 * @returns The source; "not here" is null, every other trouble is an exception,
 * and RANGE_INVALID is passed on
 */
export function peerSource(options: PeerOptions): ContentSource {
  const { address, fetcher = fetch } = options;

  async function ask(
    method: "GET" | "HEAD",
    path: string,
    signal: AbortSignal,
    range?: RangeRequest,
  ): Promise<Response | null> {
    const response = await fetcher(`http://${address}${path}`, {
      method,
      signal,
      redirect: "manual",
      headers: {
        "Accept": path.includes("/manifests/") ? ACCEPT_MANIFESTS : "*/*",
        // fetch would ask for gzip and unpack it: other bytes than were asked.
        "Accept-Encoding": "identity",
        ...(range ? { "Range": formatRange(range) } : {}),
      },
    });
    if (response.status === 200 || response.status === 206) return response;
    await response.body?.cancel();
    if (response.status === 404) return null;
    if (response.status === 416) throw unsatisfiable(response, range);
    throw new Error(`Cannot read from ${address}: status ${response.status}`);
  }

  async function locate(
    path: string,
    signal: AbortSignal,
  ): Promise<Located | null> {
    const response = await ask("HEAD", path, signal);
    return response && { ...describe(response, address), from: address };
  }

  return {
    resolve: (reference, { signal }) => locate(tagPath(reference), signal),
    async stat(request, { signal }) {
      const located = await locate(contentPath(request), signal);
      if (located) mustMatch(located, request, address);
      return located;
    },
    async open(request, { range, signal }) {
      const path = contentPath(request);
      const response = await ask("GET", path, signal, range);
      if (!response) return null;
      try {
        return opened(response, request, range, address);
      } catch (error) {
        await response.body?.cancel();
        throw error;
      }
    },
  };
}

function opened(
  response: Response,
  request: ContentRequest,
  asked: RangeRequest | undefined,
  address: string,
): OpenContent {
  const descriptor = describe(response, address);
  mustMatch(descriptor, request, address);
  const range = partSent(response, asked, descriptor.size);
  if (range === undefined) {
    throw new Error(`Cannot read from ${address}: it sent another part`);
  }
  const body = response.body ?? new Response("").body;
  if (!body) throw new Error(`Cannot read from ${address}: no body`);
  return { descriptor, range, body, from: address };
}

function tagPath({ registry, repository, tag }: TagReference): string {
  return `/v2/${repository}/manifests/${tag}?ns=${
    encodeURIComponent(registry)
  }`;
}

/** What had no `ns` is passed on without one: the peer must know, too. */
function contentPath(request: ContentRequest): string {
  const { kind, repository, digest, registry, plain } = request;
  if (plain && registry) {
    return `/v2/${registry}/${repository}/${kind}s/${digest}`;
  }
  const ns = registry ? `?ns=${encodeURIComponent(registry)}` : "";
  return `/v2/${repository}/${kind}s/${digest}${ns}`;
}

function describe(response: Response, address: string): Descriptor {
  const descriptor = descriptorFromHeaders(response.headers);
  if (descriptor && !response.headers.has("Content-Encoding")) {
    return descriptor;
  }
  throw new Error(`Cannot read from ${address}: its headers say too little`);
}

function mustMatch(
  descriptor: Descriptor,
  { digest }: ContentRequest,
  address: string,
): void {
  if (descriptor.digest === digest) return;
  throw new Error(`Cannot read from ${address}: it sent another digest`);
}

/**
 * The part that an answer holds, or null for the whole; undefined when it is not
 * what was asked. A 200 is the answer to a range that begins at 0, and to no
 * other; a 206 is that range to the byte, or containerd would see a clean end
 * too early.
 */
function partSent(
  { status, headers }: Response,
  asked: RangeRequest | undefined,
  size: number,
): ByteRange | null | undefined {
  const wanted = asked ? resolveRange(asked, size) : null;
  if (status === 200) return !asked || wanted?.start === 0 ? null : undefined;
  const sent = parseContentRange(headers.get("Content-Range") ?? "");
  return wanted && sent?.start === wanted.start && sent.end === wanted.end
    ? wanted
    : undefined;
}

function unsatisfiable(response: Response, range?: RangeRequest): Error {
  const contentRange = response.headers.get("Content-Range") ?? "";
  const size = /^bytes \*\/([0-9]{1,15})$/.exec(contentRange)?.[1];
  const agrees = range && size !== undefined &&
    resolveRange(range, Number(size)) === null;
  return agrees
    ? new RegistryError("RANGE_INVALID", "the range begins behind the end", {
      headers: { "Content-Range": contentRange },
    })
    : new Error("the peer refuses a range for no reason");
}
