/**
 * One handler of several, chosen by the path.
 *
 * @module
 */

import { RegistryError } from "../oci/error.ts";
import type { Readiness } from "../routing/router.ts";
import type { Handler } from "./exchange.ts";

/** A path, or a prefix that ends with a slash, and who answers it. */
export type Routes = Readonly<Record<string, Handler>>;

/**
 * Sends requests to the handler of their path: the exact one, else the longest
 * prefix.
 *
 * @param table Paths and handlers
 * @returns A handler for all of them; the rest is NAME_INVALID (404)
 */
export function routes(table: Routes): Handler {
  const prefixes = Object.keys(table)
    .filter((path) => path.endsWith("/"))
    .sort((a, b) => b.length - a.length);
  return (request, exchange) => {
    const { pathname } = new URL(request.url);
    const prefix = prefixes.find((path) => pathname.startsWith(path)) ?? "";
    const handler = Object.hasOwn(table, pathname)
      ? table[pathname]
      : table[prefix];
    if (handler) return handler(request, exchange);
    throw new RegistryError("NAME_INVALID", `no such endpoint: ${pathname}`);
  };
}

/**
 * Answers the probes of a node.
 *
 * @param ready Tells whether the node can serve and look up
 * @returns Routes for `/livez` (200 while the process lives) and `/readyz` (200,
 * or 503 with the reason in words)
 */
export function probes(ready: () => Readiness): Routes {
  return {
    "/livez": (_request, { facts }) => {
      facts.handler = "livez";
      return text(200, "ok");
    },
    "/readyz": (_request, { facts }) => {
      facts.handler = "readyz";
      const state = ready();
      return state.ready ? text(200, "ok") : text(503, state.reason);
    },
  };
}

function text(status: number, body: string): Response {
  return new Response(`${body}\n`, {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8" },
  });
}
