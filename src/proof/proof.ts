/**
 * Proofs that a request, or its answer, comes from a node that knows the secret.
 *
 * A request's proof is a header, `1.SECONDS.BODY.MAC`: the time in seconds since
 * 1970, the SHA-256 of the body (empty where there is none), and HMAC-SHA-256
 * (RFC 2104) of all that with method, path and query; hashes in base64url. The
 * network is in the key. The answer has one, too: the MAC of the request's, its
 * status and Docker-Content-Digest. So whoever only listens at a peer's address
 * is believed nothing, and nobody on the way can make a tag mean another image.
 *
 * What it does not do. Bytes are not encrypted: whoever sees the traffic sees
 * the content. Whoever sees a request can repeat it, as it was, for as long as
 * its time counts. He gets again what he has seen: content has a digest for a
 * name and cannot have changed, a tag's answer is seconds old, and messages of
 * flights say what is so now and are sent every second anyway. He can ask
 * nothing else, and say nothing else, because path and body are in the proof.
 * That is why proofs are not remembered: a memory of them would cost each node
 * megabytes and stop nothing.
 *
 * Cost: two HMACs on each side, 7 to 15 us each with node:crypto (WebCrypto: 70
 * us); a request takes 200 us and more.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What a request's proof is about. */
export interface Claim {
  /** In capitals. */
  readonly method: string;
  /** Path and query, as they go over the wire. */
  readonly target: string;
}

/** Why a proof is refused. */
export type Refusal = "no proof" | "wrong proof" | "old proof" | "early proof";

/** The proof of a request that was made. */
export interface Signed {
  /** The header's value. */
  readonly text: string;
  /** Tells whether an answer's header is by somebody who knows the secret. */
  answered(text: string, status: number, digest: string | null): boolean;
}

/** A request's proof that is right. */
export interface Proven {
  /** What {@linkcode digestOfBody} must give for the body; "" without one. */
  readonly body: string;
  /** Makes the header of the answer. */
  answer(status: number, digest: string | null): string;
}

/** A request's proof that is not. */
export interface Refused {
  readonly reason: Refusal;
  /** Seconds that the asker's clock is ahead, when all else is right. */
  readonly skewSeconds?: number;
}

/** Makes and checks proofs. */
export interface Proofs {
  /** Makes the proof of a request. */
  sign(claim: Claim & { readonly body: string }): Signed;
  /** Checks the proof of a request; null is none. */
  check(text: string | null, claim: Claim): Proven | Refused;
}

/**
 * Seconds that two clocks may differ, and that a proof counts. Machines with NTP
 * differ by milliseconds, and one whose clock is wrong by more than a minute
 * trusts no certificate for long either.
 */
export const MAX_SKEW_SECONDS = 60;

const FORM = /^1\.([0-9]{1,12})\.([\w-]{43}|)\.([\w-]{43})$/;

/**
 * Makes the proofs of one deployment.
 *
 * @param keys 32 bytes each: the first signs, all verify
 * @param now Milliseconds since 1970
 * @returns The proofs
 */
export function proofs(
  keys: readonly [Uint8Array, ...Uint8Array[]],
  now: () => number,
): Proofs {
  const seconds = () => Math.floor(now() / 1000);
  return {
    sign({ method, target, body }) {
      const [key] = keys;
      const time = String(seconds());
      const mac = macOf(key, ["request", method, target, time, body]);
      return {
        text: `1.${time}.${body}.${mac}`,
        // It signs with its own first secret, which during a change is another.
        answered: (text, status, digest) =>
          keys.some((own) =>
            isSame(macOfAnswer(own, mac, status, digest), text)
          ),
      };
    },
    check(text, { method, target }) {
      if (text === null) return { reason: "no proof" };
      const [, time = "", body = "", mac = ""] = FORM.exec(text) ?? [];
      if (mac === "") return { reason: "wrong proof" };
      const parts = ["request", method, target, time, body];
      const key = keys.find((key) => isSame(macOf(key, parts), mac));
      if (!key) return { reason: "wrong proof" };
      const skewSeconds = Number(time) - seconds();
      if (Math.abs(skewSeconds) > MAX_SKEW_SECONDS) {
        const reason = skewSeconds < 0 ? "old proof" : "early proof";
        return { reason, skewSeconds };
      }
      return {
        body,
        answer: (status, digest) => macOfAnswer(key, mac, status, digest),
      };
    },
  };
}

/**
 * Hashes a body for a proof.
 *
 * @param body What is sent
 * @returns Its SHA-256 in base64url
 */
export function digestOfBody(body: string | Uint8Array): string {
  return createHash("sha256").update(body).digest("base64url");
}

function macOfAnswer(
  key: Uint8Array,
  request: string,
  status: number,
  digest: string | null,
): string {
  return macOf(key, ["answer", request, String(status), digest ?? ""]);
}

/** No part has a newline: they come out of HTTP's first lines. */
function macOf(key: Uint8Array, parts: readonly string[]): string {
  return createHmac("sha256", key).update(parts.join("\n")).digest("base64url");
}

/** Compares in a time that does not tell where they differ. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text));
  return left !== undefined && right !== undefined &&
    left.length === right.length && timingSafeEqual(left, right);
}
