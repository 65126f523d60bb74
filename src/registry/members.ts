/**
 * Answers the nodes of a deployment and nobody else.
 *
 * @module
 */

import { rarely } from "../async/rarely.ts";
import type { Log } from "../log.ts";
import { RegistryError } from "../oci/error.ts";
import type { Deployment } from "../proof/deployment.ts";
import type { Handler } from "./exchange.ts";

/** Strangers are counted by the metrics; the log says once a minute why. */
const SAY_EVERY_MS = 60_000;

/** What a guard needs. */
export interface MembersDeps {
  /** Who is let in. */
  readonly deployment: Deployment;
  /** Hears why somebody is not. */
  readonly log: Log;
}

/**
 * Puts a guard before a handler. A stranger costs one look at two headers: no
 * body is read, and nothing is asked. The 401 has no challenge: there is nothing
 * that a client could ask a person for.
 *
 * @param handler Answers
 * @param deps Who is let in, and who hears of others
 * @returns The guarded handler
 */
export function membersOnly(
  handler: Handler,
  { deployment, log }: MembersDeps,
): Handler {
  const sayRarely = rarely({ everyMs: SAY_EVERY_MS });
  return async (request, exchange) => {
    const { facts, ip } = exchange;
    const asker = deployment.admit(request);
    if (asker.kind === "stranger") {
      const { kind, ...why } = asker;
      facts.handler = kind;
      const more = sayRarely(why.reason);
      if (more !== null) log.warn("stranger refused", { ip, ...why, more });
      throw new RegistryError("UNAUTHORIZED", `not of us: ${why.reason}`);
    }
    const sign = (status: number, headers: Headers) => {
      const digest = headers.get("Docker-Content-Digest");
      return Object.entries(asker.answer({ status, digest }));
    };
    try {
      const response = await handler(asker.request, exchange);
      const { status, headers } = response;
      for (const [name, value] of sign(status, headers)) {
        headers.set(name, value);
      }
      return response;
    } catch (error) {
      if (error instanceof RegistryError) {
        const { status, headers } = error;
        Object.assign(headers, Object.fromEntries(sign(status, new Headers())));
      }
      throw error;
    }
  };
}
