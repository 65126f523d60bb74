/**
 * One log line, one count and one sample for each request, and an answer for
 * each error: the only place that does any of these.
 *
 * @module
 */

import { chunkReader } from "../async/chunks.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { errorResponse, RegistryError } from "../oci/error.ts";
import type { Exchange, ExchangeFacts, Handler } from "./exchange.ts";

/** Where a listener reports. */
export interface ObserveDeps {
  /** Gets a line a request. */
  readonly log: Log;
  /** Gets counts and samples. */
  readonly metrics: Metrics;
  /**
   * Frees the memory of each chunk when the server has taken it, instead of
   * when the garbage collector gets to it: 8 streams at full speed then need 51
   * MiB instead of 102. Only for handlers that `Deno.serve` calls; whoever
   * keeps chunks of the answer would find them empty.
   *
   * @default {false}
   */
  readonly freeChunks?: boolean;
  /**
   * Bodies of content that are sent at once at most; one more is a 503, and
   * whoever asked goes elsewhere.
   *
   * @default {Infinity}
   */
  readonly maxBodies?: number;
  /**
   * Hears that a request begins; what it returns, that its answer has ended,
   * and whether it was about content.
   *
   * @default {undefined}
   */
  readonly begin?: () => (what: { readonly work: boolean }) => void;
}

/** What makes a listener a server's handler. */
export type ServeHandler = (
  request: Request,
  info: Deno.ServeHandlerInfo,
) => Promise<Response>;

/**
 * Probes come every few seconds, and every peer asks whether content is here
 * before it asks for any; their lines would hide the others, and a stranger
 * could fill a disk with its own.
 */
const QUIET = new Set([
  "readyz",
  "livez",
  "metrics",
  "peer",
  "holds",
  "flights",
  "stranger",
]);

/**
 * Makes a handler ready to be served.
 *
 * @param listener Name of the listener, for log and metrics
 * @param handler Answers
 * @param deps Where it is reported
 * @returns What `Deno.serve` takes; it never rejects
 */
export function observed(
  listener: string,
  handler: Handler,
  deps: ObserveDeps,
): ServeHandler {
  const { maxBodies = Infinity } = deps;
  let bodies = 0;
  return async (request, info) => {
    const started = performance.now();
    const ended = deps.begin?.();
    const facts: ExchangeFacts = { handler: "none" };
    const exchange = { ip: clientIp(info), facts };
    const isBody = asksForContent(request);
    const isFull = isBody && bodies >= maxBodies;
    if (isBody) bodies++;
    const answering = isFull ? refuse : handler;
    const response = await answer(answering, request, exchange, deps.log);
    const source = sourceClass(facts);
    const status = `${Math.floor(response.status / 100)}xx`;
    const { metrics, log } = deps;
    metrics.count("peili_requests_total", {
      listener,
      handler: facts.handler,
      source,
      status,
    });
    metrics.observe(
      "peili_request_duration_seconds",
      { listener, source },
      (performance.now() - started) / 1000,
    );
    metrics.gauge("peili_streams", { listener }, 1);
    return counted(response, deps.freeChunks ?? false, (bytes, outcome) => {
      if (isBody) bodies--;
      ended?.({ work: !QUIET.has(facts.handler) });
      metrics.gauge("peili_streams", { listener }, -1);
      if (facts.source !== undefined) {
        metrics.count(
          "peili_bytes_total",
          { source, direction: "sent" },
          bytes,
        );
      }
      const level = QUIET.has(facts.handler) ? "debug" : "info";
      log[level]("request", {
        listener,
        method: request.method,
        path: pathOf(request.url),
        status: response.status,
        latency: seconds(performance.now() - started),
        ip: exchange.ip,
        bytes,
        ...facts,
        ...(outcome === "sent" ? {} : { outcome }),
      });
    });
  };
}

/** Probes and what peers tell each other always get an answer. */
function asksForContent({ method, url }: Request): boolean {
  return method === "GET" && pathOf(url).startsWith("/v2/");
}

function refuse(): never {
  throw new RegistryError("UNAVAILABLE", "too many bodies are sent at once");
}

/** Never rejects: what goes wrong is a 503, and containerd goes on upstream. */
async function answer(
  handler: Handler,
  request: Request,
  exchange: Exchange,
  log: Log,
): Promise<Response> {
  try {
    // With an odd Host header it is none, and handlers read it.
    if (!URL.canParse(request.url)) {
      throw new RegistryError("NAME_INVALID", "malformed URL");
    }
    return await handler(request, exchange);
  } catch (error) {
    if (error instanceof RegistryError) {
      const { facts } = exchange;
      // A redirect is no trouble: this node goes upstream for all.
      if (error.status < 400) facts.flight = { role: "lead", rejoins: 0 };
      else facts.error = error.message;
      return errorResponse(error, request.method);
    }
    if (!request.signal.aborted) {
      log.error("request failed", { path: pathOf(request.url), error });
    }
    exchange.facts.error = "internal";
    const hidden = new RegistryError("UNAVAILABLE", "try another host");
    return errorResponse(hidden, request.method);
  }
}

type Outcome = "sent" | "client left" | "broken";

/** Hands the body on and tells how many bytes went out when it ends. */
function counted(
  response: Response,
  freeChunks: boolean,
  onEnd: (bytes: number, outcome: Outcome) => void,
): Response {
  if (!response.body) {
    onEnd(0, "sent");
    return response;
  }
  const reader = chunkReader(response.body);
  let bytes = 0;
  let taken: Uint8Array | null = null;
  let ended = false;
  const end = (outcome: Outcome) => {
    if (!ended) onEnd(bytes, outcome); // A cancel also ends the running read.
    ended = true;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (freeChunks) free(taken);
        taken = await reader.read();
        if (taken) {
          bytes += taken.length;
          controller.enqueue(taken);
        } else {
          end("sent");
          controller.close();
        }
      } catch (error) {
        end("broken");
        // The server ends the connection with FIN, before Content-Length is
        // reached: containerd resumes. A clean end would fail its pull.
        controller.error(error);
      }
    },
    cancel(reason) {
      end("client left");
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  const { status, headers } = response;
  return new Response(body, { status, headers });
}

/** The server holds the bytes by itself when it asks for the next chunk. */
function free(chunk: Uint8Array | null): void {
  if (chunk?.buffer instanceof ArrayBuffer) chunk.buffer.transfer(0);
}

function sourceClass({ source }: ExchangeFacts): string {
  if (source === undefined) return "none";
  return source === "local" ? "local" : "peer";
}

function clientIp({ remoteAddr }: Deno.ServeHandlerInfo): string {
  return "hostname" in remoteAddr ? remoteAddr.hostname : "";
}

function pathOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? parsed.pathname + parsed.search : url;
}

/** Milliseconds as seconds with microseconds. */
function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1e6;
}
