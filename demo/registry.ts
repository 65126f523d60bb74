/**
 * The registry of the demo: a layout over HTTP that sends no more than it may,
 * wants to know who asks, and counts what it sends to whom.
 *
 * @module
 */

import { abortScope } from "../src/async/abort_scope.ts";
import { chunkReader } from "../src/async/chunks.ts";
import { contentFilter } from "../src/content/filter.ts";
import { type ContentSource, LOCAL } from "../src/content/source.ts";
import { layoutStore } from "../src/layout/store.ts";
import { NO_LOG } from "../src/log.ts";
import { NO_METRICS } from "../src/metrics/metrics.ts";
import { registryHandler } from "../src/registry/handler.ts";
import { observed } from "../src/registry/observe.ts";
import type { DemoImage } from "./image.ts";
import { type Rate, sharedRate } from "./rate.ts";

/** A registry that runs; disposing of it stops it. */
export interface DemoRegistry extends AsyncDisposable {
  /** `host:port`, the first part of an image's name. */
  readonly address: string;
  /** Bytes that it has sent to a user, heads left out. */
  sentTo(user: string): number;
}

/** Everybody's password: the registry counts, it keeps no secrets. */
export const PASSWORD = "demo";

/**
 * Starts the registry.
 *
 * @param image Stands behind every tag
 * @param mbit What it sends at most, in Mbit/s
 * @returns The registry, on a free port of loopback
 */
export function startRegistry(image: DemoImage, mbit: number): DemoRegistry {
  const sent = new Map<string, number>();
  const rate = sharedRate(mbit * 1e6 / 8);
  const handler = observed("registry", registryHandler(sourceOf(image)), {
    log: NO_LOG,
    metrics: NO_METRICS,
  });
  const end = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: end.signal,
    onListen() {},
    // Who is cut off when the registry stops goes on elsewhere.
    onError: () => new Response(null, { status: 503 }),
  }, async (request, info) => {
    const user = userOf(request);
    if (user === null) {
      const headers = { "WWW-Authenticate": 'Basic realm="demo"' };
      return new Response(null, { status: 401, headers });
    }
    const response = await handler(withRegistry(request), info);
    return limited(response, rate, (bytes) => {
      sent.set(user, (sent.get(user) ?? 0) + bytes);
    });
  });
  return {
    address: `127.0.0.1:${server.addr.port}`,
    sentTo: (user) => sent.get(user) ?? 0,
    async [Symbol.asyncDispose]() {
      end.abort();
      await server.finished;
    },
  };
}

/** Milliseconds for the first look into the folder: beside it is no other who
 * could have an image that is not found in time. */
const LISTED_MS = 60_000;

/** One image under every name. */
function sourceOf({ path, root }: DemoImage): ContentSource {
  const options = {
    mirroredRegistries: [],
    registryFilters: [],
    resolveTags: true,
    resolveLatestTag: true,
  };
  const filter = contentFilter(options);
  const listingMs = LISTED_MS;
  const { source } = layoutStore({ path, filter, listingMs, log: NO_LOG });
  const located = { ...root, from: LOCAL };
  return { ...source, resolve: () => Promise.resolve(located) };
}

function userOf({ headers }: Request): string | null {
  const [, text] = /^Basic (.+)$/.exec(headers.get("Authorization") ?? "") ??
    [];
  if (text === undefined) return null;
  const [user, password] = atob(text).split(":");
  return user && password === PASSWORD ? user : null;
}

/** A registry is asked for its own images; a mirror is told whose. */
function withRegistry(request: Request): Request {
  const url = new URL(request.url);
  url.searchParams.set("ns", url.host);
  return new Request(url, request);
}

function limited(
  { body, status, headers }: Response,
  rate: Rate,
  onBytes: (bytes: number) => void,
): Response {
  if (!body) return new Response(null, { status, headers });
  const reader = chunkReader(body);
  const scope = abortScope(new AbortController().signal);
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await reader.read();
      if (chunk === null) return controller.close();
      await rate.pass(chunk.length, scope.signal);
      if (scope.signal.aborted) return;
      onBytes(chunk.length);
      controller.enqueue(chunk);
    },
    cancel(reason) {
      scope.abort();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return new Response(stream, { status, headers });
}
