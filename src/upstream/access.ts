/**
 * Asking a real registry: its challenges are answered, its redirects followed,
 * and its credentials go to nobody else.
 *
 * @module
 */

import { type Challenge, parseChallenges } from "./challenge.ts";
import {
  basicAuthorization,
  type Credentials,
  type FindCredentials,
} from "./credentials.ts";
import { fetchToken } from "./token.ts";

/** How a registry is reached. */
export interface AccessOptions {
  /** Host with an optional port, as in the image's name. */
  readonly registry: string;
  /** Its base URL, `https://registry-1.docker.io`. */
  readonly base: string;
  /** The repository that is pulled from. */
  readonly repository: string;
  /** Asked once, when the registry wants to know who asks. */
  readonly credentials: FindCredentials;
  /** Ends asking for credentials and tokens, which all requests share. */
  readonly signal: AbortSignal;
  /** Hears that there are credentials which cannot be used. */
  readonly onUnusable: (error: unknown) => void;
  /**
   * How requests are made.
   *
   * @default {fetch}
   */
  readonly fetcher?: typeof fetch;
}

/** A request. */
export interface AccessRequest {
  readonly method: "GET" | "HEAD";
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Asks a registry; the answer is final: neither a redirect nor a 401 that could be met. */
export type Access = (url: string, request: AccessRequest) => Promise<Response>;

/** As many as browsers follow half of, and containerd all. */
const MAX_REDIRECTS = 10;

/**
 * Makes the way to one repository of a registry.
 *
 * @param options Which
 * @returns Asks a URL, at the registry or elsewhere: only at the registry's own
 * origin does it say who asks. It throws when nobody answers, or no token is had
 */
export function registryAccess(options: AccessOptions): Access {
  const { base, fetcher = fetch } = options;
  const origin = new URL(base).origin;
  const authorization = authorizer({ ...options, fetcher });

  async function once(
    url: string,
    { headers, ...request }: AccessRequest,
  ): Promise<Response> {
    const known = new URL(url).origin === origin ? authorization.now() : null;
    return await fetcher(url, {
      ...request,
      redirect: "manual",
      headers: known ? { ...headers, Authorization: known } : headers,
    });
  }

  async function authorized(
    url: string,
    request: AccessRequest,
  ): Promise<Response> {
    const tried = authorization.now();
    const response = await once(url, request);
    if (response.status !== 401 || new URL(url).origin !== origin) {
      return response;
    }
    await response.body?.cancel();
    const header = response.headers.get("WWW-Authenticate");
    const mayPass = await authorization.renew(header, tried);
    return mayPass ? await once(url, request) : response;
  }

  return async (first, request) => {
    let url = first;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const response = await authorized(url, request);
      const location = redirectTarget(response, url);
      if (location === null) return response;
      await response.body?.cancel();
      url = location;
    }
    throw new Error(
      `Cannot read ${first}: more than ${MAX_REDIRECTS} redirects`,
    );
  };
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Tells where an answer sends its client.
 *
 * @param response The answer
 * @param url What was asked
 * @returns An http(s) URL, or null when it is no redirect
 */
export function redirectTarget(response: Response, url: string): string | null {
  const location = response.headers.get("Location");
  if (!REDIRECTS.has(response.status) || location === null) return null;
  const target = URL.parse(location, url);
  return target && /^https?:$/.test(target.protocol) ? target.href : null;
}

/** The Authorization header of one repository, shared by all its requests. */
interface Authorizer {
  /** The header's value; null as long as none was asked for. */
  now(): string | null;
  /**
   * Answers a challenge.
   *
   * @param tried What the refused request said
   * @returns False when there is nothing else to say
   */
  renew(challenge: string | null, tried: string | null): Promise<boolean>;
}

function authorizer(
  options: AccessOptions & { readonly fetcher: typeof fetch },
): Authorizer {
  const { registry, fetcher, signal } = options;
  let value: string | null = null;
  let renewing: Promise<string | null> | undefined;
  let found: Promise<Credentials | null> | undefined;

  /** One that cannot be used is as none: what is public needs none. */
  const credentials = () =>
    found ??= options.credentials(registry, signal).catch((error) => {
      options.onUnusable(error);
      return null;
    });

  async function answer(header: string | null): Promise<string | null> {
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) {
      const request = tokenRequest(bearer, options);
      const token = await fetchToken(request, {
        credentials: await credentials(),
        fetcher,
        signal,
      });
      return `Bearer ${token}`;
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) return null;
    const known = await credentials();
    return known?.kind === "password"
      ? basicAuthorization(known.username, known.password)
      : null;
  }

  return {
    now: () => value,
    async renew(header, tried) {
      // Another request was refused before and has the new one already.
      if (value !== tried) return true;
      renewing ??= answer(header).finally(() => renewing = undefined);
      const next = await renewing;
      const isNew = next !== null && next !== tried;
      if (isNew) value = next;
      return isNew;
    },
  };
}

/** A token server over http would tell the password to the whole way there. */
function tokenRequest(
  { parameters: { realm = "", service = "", scope } }: Challenge,
  { base, repository }: AccessOptions,
): { realm: string; service: string; scope: string } {
  const url = URL.parse(realm);
  const isSafe = url?.protocol === "https:" ||
    url?.protocol === "http:" && base.startsWith("http:");
  if (!isSafe) {
    throw new Error(`the registry's token server has no usable URL: ${realm}`);
  }
  return { realm, service, scope: scope ?? `repository:${repository}:pull` };
}
