/**
 * The pull part of the OCI distribution spec v1.1 over a content source: parse,
 * ask, answer. Nothing else.
 *
 * @module
 */

import {
  type ContentSource,
  LOCAL,
  type Located,
  type OpenContent,
} from "../content/source.ts";
import { type Descriptor, descriptorHeaders } from "../oci/descriptor.ts";
import { RegistryError } from "../oci/error.ts";
import { formatContentRange, parseRange, rangeLength } from "../oci/range.ts";
import { tagKey } from "../oci/reference.ts";
import {
  type ContentRequest,
  parseRequest,
  type TagRequest,
} from "../oci/request.ts";
import type { Handler } from "./exchange.ts";

/** What the user of a handler decides. */
export interface RegistryOptions {
  /**
   * What the log calls a request that was not answered from this node. The
   * mirror listener says `mirror`; the peer listener, which has nothing but
   * this node's content, leaves it out.
   */
  readonly elsewhere?: string;
}

/**
 * Serves a source as a registry that can only be pulled from.
 *
 * @param source What is served
 * @param options Words of the log
 * @returns The handler; it throws RegistryError for every "no"
 */
export function registryHandler(
  source: ContentSource,
  options: RegistryOptions = {},
): Handler {
  return async (request, { facts }) => {
    facts.handler = "v2";
    const asked = parseRequest(request.method, new URL(request.url));
    if (asked.kind === "ping") return ping();
    const endpoint = asked.kind === "blob" ? "blob" : "manifest";
    facts.handler = options.elsewhere ?? endpoint;
    if (asked.registry) facts.registry = asked.registry;
    const found = await find(source, asked, request);
    if (!found) throw unknown(asked, options);
    facts.source = found.from;
    if (found.from === LOCAL) facts.handler = endpoint;
    if ("flight" in found && found.flight) facts.flight = found.flight;
    const answer = "body" in found ? whole(found) : headers(found);
    // Distribution spec after v1.1, "Registry Proxying": who sent ns gets it back.
    if (asked.registry && !asked.plain) {
      answer.headers.set("OCI-Namespace", asked.registry);
    }
    return answer;
  };
}

/** Looks a HEAD up, opens a GET; a tag is resolved first. */
async function find(
  source: ContentSource,
  asked: ContentRequest | TagRequest,
  { method, headers, signal }: Request,
): Promise<Located | OpenContent | null> {
  if (asked.kind !== "tag") {
    return method === "HEAD"
      ? await source.stat(asked, { signal })
      : await source.open(asked, {
        signal,
        range: parseRange(headers.get("Range")) ?? undefined,
      });
  }
  const target = await source.resolve(asked, { signal });
  if (!target || method === "HEAD") return target;
  const { tag: _tag, ...name } = asked;
  const manifest = {
    ...name,
    kind: "manifest",
    digest: target.digest,
  } as const;
  return await source.open(manifest, { signal });
}

function ping(): Response {
  return new Response(null, { headers: { "Content-Length": "0" } });
}

/** The answer to a HEAD. */
function headers(found: Located): Response {
  return new Response(null, { headers: contentHeaders(found) });
}

/** The answer to a GET: the whole content (200) or a part of it (206). */
function whole({ descriptor, range, body }: OpenContent): Response {
  const headers = contentHeaders(descriptor);
  if (!range) return new Response(body, { headers });
  headers.set("Content-Range", formatContentRange(range, descriptor.size));
  headers.set("Content-Length", String(rangeLength(range)));
  return new Response(body, { status: 206, headers });
}

function contentHeaders(descriptor: Descriptor): Headers {
  const headers = descriptorHeaders(descriptor);
  headers.set("Accept-Ranges", "bytes");
  return headers;
}

/** The "no" that sends containerd on to the next host. */
function unknown(
  asked: ContentRequest | TagRequest,
  { elsewhere }: RegistryOptions,
): RegistryError {
  const code = asked.kind === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
  const key = asked.kind === "tag" ? tagKey(asked) : asked.digest;
  if (elsewhere) {
    return new RegistryError(code, `could not find peer for ${key}`, {
      detail: { attempts: 0 },
    });
  }
  return new RegistryError(
    code,
    asked.kind === "tag"
      ? `could not get digest for image tag ${key}`
      : `could not get ${asked.kind} ${key}`,
  );
}
