/**
 * A listener: an address, a handler, and an end that lets running answers
 * finish.
 *
 * @module
 */

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
  return {
    address: formatAddress({ hostname, port }),
    listening: { hostname, port },
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => cut.abort(), DRAIN_MS);
      await server.shutdown();
      clearTimeout(timer);
    },
  };
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
