/**
 * A deployment as one of its nodes sees it: what it says with each request to
 * a peer, and who may ask it.
 *
 * @module
 */

import { withCheckedBody } from "./checked_body.ts";
import {
  type Answer,
  type Claim,
  digestOfBody,
  type Proofs,
  proofs,
  type Refusal,
} from "./proof.ts";
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
   * @param claim What is asked, and the body that is sent; "" for none
   */
  ask(claim: Claim & { readonly body: string }): Asked;
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
  /** Tells it from a stranger. */
  readonly kind: "member";
  /** The request; its body breaks at the end if it is not what was signed. */
  readonly request: Request;
  /** Headers of the answer, which prove that this node is of the deployment. */
  answer(answer: Answer): Readonly<Record<string, string>>;
}

/** Somebody else asks. */
export interface Stranger {
  /** Tells it from a member. */
  readonly kind: "stranger";
  /** Why it is none of us. */
  readonly reason: Refusal | "another network";
  /** The network that it names, when that is another one. */
  readonly network?: string;
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

/** Characters of a network's name. */
const MAX_NAME = 63;

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
        return strangerBy(request, network) ??
          { kind: "member", request, answer: () => ({}) };
      },
    }),
  };
}

function secretSides(
  network: string,
  { sign, check }: Proofs,
): Pick<Deployment, "ask" | "admit"> {
  return {
    ask({ method, target, body }) {
      const digest = hasBody(method) ? digestOfBody(body) : "";
      const { text, answered } = sign({ method, target, body: digest });
      return {
        headers: { [NETWORK_HEADER]: network, [PROOF_HEADER]: text },
        trusts: ({ status, headers }) =>
          answered(headers.get(PROOF_HEADER) ?? "", {
            status,
            digest: headers.get(DIGEST_HEADER),
          }),
      };
    },
    admit(request) {
      const stranger = strangerBy(request, network);
      if (stranger) return stranger;
      const { method, url, headers } = request;
      const target = url.slice(url.indexOf("/", "http://".length));
      const claim = { method, target };
      const verdict = check(headers.get(PROOF_HEADER), claim);
      if ("reason" in verdict) return { kind: "stranger", ...verdict };
      return {
        kind: "member",
        request: hasBody(method)
          ? withCheckedBody(request, verdict.body)
          : request,
        answer: (answer) => ({ [PROOF_HEADER]: verdict.answer(answer) }),
      };
    },
  };
}

/** Who names another network; null for one who names this one, or none. */
function strangerBy({ headers }: Request, network: string): Stranger | null {
  const name = headers.get(NETWORK_HEADER) ?? network;
  if (name === network) return null;
  const kind = "stranger";
  return { kind, reason: "another network", network: name.slice(0, MAX_NAME) };
}

/** What GET and HEAD may carry nobody reads. */
function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}
