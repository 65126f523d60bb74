/**
 * A deployment as one of its nodes sees it: what it says with each request to
 * a peer, and who may ask it.
 *
 * @module
 */

import { withCheckedBody } from "./checked_body.ts";
import { digestOfBody, type Proofs, proofs, type Refusal } from "./proof.ts";
import type { SecretKeys } from "./secret.ts";

/** Header with the name of the asker's network. */
export const NETWORK_HEADER = "Peili-Network";

/** Header with the proof of a request or of an answer. */
export const PROOF_HEADER = "Peili-Proof";

/** A deployment. */
export interface Deployment {
  /** Its name. */
  readonly network: string;
  /** Key of the private swarm, 32 bytes; null without a secret. */
  readonly swarmKey: Uint8Array | null;
  /**
   * Prepares a request to a peer.
   *
   * @param method In capitals
   * @param target Path and query, as they go over the wire
   * @param body What is sent; "" for nothing
   */
  ask(method: string, target: string, body: string): Asked;
  /** Judges who asks. It reads no body and does not throw. */
  admit(request: Request): Member | Stranger;
}

/** A request to a peer. */
export interface Asked {
  /** Headers that it must have. */
  readonly headers: Readonly<Record<string, string>>;
  /** Tells whether an answer comes from a node of this deployment. */
  trusts(answer: Response): boolean;
}

/** A node of this deployment asks. */
export interface Member {
  readonly kind: "member";
  /** The request; its body breaks at the end if it is not what was signed. */
  readonly request: Request;
  /**
   * Headers of the answer, which prove that this node is of the deployment.
   *
   * @param status Its status
   * @param digest Its Docker-Content-Digest, or null
   */
  answer(
    status: number,
    digest: string | null,
  ): Readonly<Record<string, string>>;
}

/** Somebody else asks. */
export interface Stranger {
  readonly kind: "stranger";
  /** Why it is none of us. */
  readonly reason: Refusal | "another network";
  /** Seconds that its clock is ahead of ours, when only that is wrong. */
  readonly skewSeconds?: number;
}

/** What a deployment is made of. */
export interface DeploymentOptions {
  /** Its name. */
  readonly network: string;
  /** Keys of its secret; without them, names alone keep deployments apart. */
  readonly keys?: SecretKeys | null;
  /**
   * Milliseconds since 1970.
   *
   * @default {Date.now}
   */
  readonly now?: () => number;
}

const DIGEST_HEADER = "Docker-Content-Digest";

/**
 * Makes a deployment.
 *
 * @param options Its name and secret
 * @returns The deployment
 */
export function deployment(options: DeploymentOptions): Deployment {
  const { network, keys = null, now = Date.now } = options;
  return {
    network,
    swarmKey: keys?.swarm ?? null,
    ...(keys ? secretSides(network, proofs(keys.proofs, now)) : {
      ask: () => ({
        headers: { [NETWORK_HEADER]: network },
        trusts: () => true,
      }),
      admit(request) {
        // Who says no name is a person with curl: there is no secret to know.
        const name = request.headers.get(NETWORK_HEADER) ?? network;
        return name === network
          ? { kind: "member", request, answer: () => ({}) }
          : { kind: "stranger", reason: "another network" };
      },
    }),
  };
}

function secretSides(
  network: string,
  { sign, check }: Proofs,
): Pick<Deployment, "ask" | "admit"> {
  return {
    ask(method, target, body) {
      const digest = hasBody(method) ? digestOfBody(body) : "";
      const { text, answered } = sign({ method, target, body: digest });
      return {
        headers: { [NETWORK_HEADER]: network, [PROOF_HEADER]: text },
        trusts: ({ status, headers }) =>
          answered(
            headers.get(PROOF_HEADER) ?? "",
            status,
            headers.get(DIGEST_HEADER),
          ),
      };
    },
    admit(request) {
      const { method, url, headers } = request;
      const name = headers.get(NETWORK_HEADER);
      if (name !== null && name !== network) {
        return { kind: "stranger", reason: "another network" };
      }
      const target = url.slice(url.indexOf("/", "http://".length));
      const claim = { method, target };
      const verdict = check(headers.get(PROOF_HEADER), claim);
      if ("reason" in verdict) return { kind: "stranger", ...verdict };
      return {
        kind: "member",
        request: hasBody(method)
          ? withCheckedBody(request, verdict.body)
          : request,
        answer: (status, digest) => ({
          [PROOF_HEADER]: verdict.answer(status, digest),
        }),
      };
    },
  };
}

/** What GET and HEAD may carry nobody reads. */
function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}
