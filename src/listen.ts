/**
 * A listener: an address, a handler, and an end that lets running answers
 * finish.
 *
 * @module
 */

import { deadline } from "./async/deadline.ts";
import { unlessAborted } from "./async/unless_aborted.ts";
import { errorResponse, RegistryError } from "./oci/error.ts";
import type { ServeHandler } from "./registry/observe.ts";

/** Where to listen. */
export interface ListenAddress {
  /** Name or IP without brackets; `::` is every address of both families. */
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/** A listener that listens. */
export interface Listener extends AsyncDisposable {
  /** `host:port` as it really is; IPv6 in brackets. */
  readonly address: string;
  /** The same in two parts. */
  readonly listening: ListenAddress;
}

/** A listener that is there before what answers: requests wait for that. */
export interface EarlyListener extends Listener {
  /** Time of `performance.now()` after which nobody waits for its start, in ms. */
  readonly until: number;
  /** Answers from now on, those that wait first. */
  answerBy(handler: ServeHandler): void;
}

/**
 * Milliseconds for a node to start and to know the others, from when its first
 * port is open; requests wait so long at most, then containerd goes upstream. On
 * a machine of its own a node takes 0.3 s, 20 nodes on 4 cores 3 s. containerd
 * 2.3 and later give up after 30 s without headers, and 25 of those are for
 * whoever then delivers.
 */
const START_MS = 4_000;

const MAX_WAITING = 256;

/** How long requests wait for the start, and how many. */
export interface EarlyOptions {
  /**
   * Milliseconds from now.
   *
   * @default {4_000}
   */
  readonly startMs?: number;
  /**
   * Requests at most; beyond they are told at once. containerd has 3 for an image.
   *
   * @default {256}
   */
  readonly maxWaiting?: number;
}

/**
 * Milliseconds for running answers to finish at the end. What is cut after that
 * containerd resumes elsewhere; kubelet would kill the pod after 30 s.
 */
const DRAIN_MS = 5_000;

/**
 * Starts to listen.
 *
 * @param name The option that set the address, for errors
 * @param address Where
 * @param handler Answers
 * @returns The listener
 * @throws {Error} If the address cannot be had; the message says which option
 * set it
 */
export function listen(
  name: string,
  address: ListenAddress,
  handler: ServeHandler,
): Listener {
  const cut = new AbortController();
  const server = start(name, address, { handler, signal: cut.signal });
  const { hostname, port } = server.addr;
  let ended: Promise<void> | null = null;
  async function end(): Promise<void> {
    const timer = setTimeout(() => cut.abort(), DRAIN_MS);
    await server.shutdown();
    clearTimeout(timer);
  }
  return {
    address: formatAddress({ hostname, port }),
    listening: { hostname, port },
    [Symbol.asyncDispose]: () => ended ??= end(),
  };
}

/**
 * Starts to listen before there is anything that answers. To a port that is not
 * open containerd does not come back for the same content: it goes upstream.
 *
 * @param name The option that set the address, for errors
 * @param address Where
 * @param options How long requests wait, and how many
 * @returns The listener
 * @throws {Error} If the address cannot be had
 */
export function listenEarly(
  name: string,
  address: ListenAddress,
  { startMs = START_MS, maxWaiting = MAX_WAITING }: EarlyOptions = {},
): EarlyListener {
  const until = performance.now() + startMs;
  const { promise: started, resolve, reject } = Promise.withResolvers<
    ServeHandler
  >();
  started.catch(() => {/* it ends before it has begun */});
  let waiting = 0;
  let answers: ServeHandler = async (request, info) => {
    if (waiting >= maxWaiting) return notYet(request);
    waiting++;
    using limit = deadline(request.signal, until - performance.now());
    const handler = await unlessAborted(started, limit.signal)
      .catch(() => notYet);
    waiting--;
    return await handler(request, info);
  };
  const listener = listen(
    name,
    address,
    (request, info) => answers(request, info),
  );
  return {
    ...listener,
    until,
    answerBy(handler) {
      answers = handler;
      resolve(handler);
    },
    async [Symbol.asyncDispose]() {
      reject(new Error("the listener ends"));
      await listener[Symbol.asyncDispose]();
    },
  };
}

/** "Busy": containerd asks the next host at once. */
function notYet({ method }: Request): Promise<Response> {
  const error = new RegistryError("UNAVAILABLE", "this node is still starting");
  return Promise.resolve(errorResponse(error, method));
}

function start(
  name: string,
  { hostname, port }: ListenAddress,
  serving: { handler: ServeHandler; signal: AbortSignal },
): Deno.HttpServer<Deno.NetAddr> {
  try {
    const quiet = { onListen() {}, onError: broken };
    return Deno.serve({ hostname, port, ...quiet, ...serving });
  } catch (cause) {
    // A machine without IPv6: every address is then every IPv4 address.
    if (hostname === "::" && !(cause instanceof Deno.errors.AddrInUse)) {
      return start(name, { hostname: "0.0.0.0", port }, serving);
    }
    const text = formatAddress({ hostname, port });
    throw new Error(`Cannot listen on ${text} (${name})`, { cause });
  }
}

/**
 * Called when a body breaks, which the handler has logged: Deno would print a
 * stack trace between the lines of the log. The answer goes nowhere.
 */
function broken(): Response {
  return new Response(null, { status: 503 });
}

/**
 * Writes an address as it stands in a URL.
 *
 * @param address Host and port
 * @returns `host:port`, IPv6 in brackets
 */
export function formatAddress({ hostname, port }: ListenAddress): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
