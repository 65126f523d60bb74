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
 * the content. Whoever sees a request can repeat it, as it was and at any node,
 * for as long as its time counts, but ask and say nothing else, because path and
 * body are in the proof. That yields what could be seen before: content is named
 * by its digest, and a tag's answer is a minute old at most. A repeated message
 * of a flight makes a home believe for some seconds that a node still pulls, or
 * has left; nodes correct that every second. So proofs are not remembered: it
 * would cost each node megabytes to stop little, and two nodes ask the same
 * twice in a second for good reasons.
 *
 * Cost: two HMACs on each side, 11 us each with node:crypto (WebCrypto: 70 us).
 * An exchange without content that takes 70 us takes 190 us with all of it, both
 * sides together. A stranger without a proof costs 0.2 us, with a wrong one an
 * HMAC for each secret.
 *
 * @module
 */

import { createHash, createHmac } from "node:crypto";

/** What a request's proof is about. */
export interface Claim {
  /** In capitals. */
  readonly method: string;
  /** Path and query, as they go over the wire. */
  readonly target: string;
}

/** What an answer's proof is about. */
export interface Answer {
  /** Its status. */
  readonly status: number;
  /** Its Docker-Content-Digest, or null. */
  readonly digest: string | null;
}

/** Why a proof is refused. */
export type Refusal = "no proof" | "wrong proof" | "old proof" | "early proof";

/** The proof of a request that was made. */
export interface Signed {
  /** The header's value. */
  readonly text: string;
  /** Tells whether an answer's header is by somebody who knows the secret. */
  answered(text: string, answer: Answer): boolean;
}

/** A request's proof that is right. */
export interface Proven {
  /** What {@linkcode digestOfBody} must give for the body; "" without one. */
  readonly body: string;
  /** Makes the header of the answer. */
  answer(answer: Answer): string;
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
        answered: (text, answer) =>
          keys.some((own) => isSame(macOfAnswer(own, mac, answer), text)),
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
      return { body, answer: (answer) => macOfAnswer(key, mac, answer) };
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
  { status, digest }: Answer,
): string {
  return macOf(key, ["answer", request, String(status), digest ?? ""]);
}

/** No part has a newline: they come out of HTTP's first lines. */
function macOf(key: Uint8Array, parts: readonly string[]): string {
  return createHmac("sha256", key).update(parts.join("\n")).digest("base64url");
}

/**
 * Compares in a time that does not tell where they differ. timingSafeEqual takes
 * bytes, and to make them of two texts costs half as much as an HMAC.
 */
function isSame(a: string, b: string): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) {
    different |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return different === 0;
}
