/**
 * Tokens for a registry: the distribution project's token protocol ("Token
 * Authentication Specification") and its OAuth2 form for identity tokens.
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { readText } from "../async/read_text.ts";
import { basicAuthorization, type Credentials } from "./credentials.ts";

/** What a token is for; all of it comes from the registry's challenge. */
export interface TokenRequest {
  /** URL of the token server. */
  readonly realm: string;
  /** The registry's name at that server. */
  readonly service: string;
  /** `repository:library/redis:pull`. */
  readonly scope: string;
}

/** How a token is asked for. */
export interface TokenOptions {
  /** Who asks; null: nobody, which is enough for what is public. */
  readonly credentials: Credentials | null;
  readonly fetcher: typeof fetch;
  readonly signal: AbortSignal;
}

/** Milliseconds; public token servers answer within one second. */
const TOKEN_MS = 30_000;

/** Tokens have some thousand bytes. */
const MAX_TOKEN_BYTES = 64 << 10;

/** The OAuth2 form wants to know which program asks. */
const CLIENT_ID = "peili";

/**
 * Gets a token.
 *
 * @param request What for
 * @param options Who asks, and how
 * @returns The token
 * @throws {Error} If the server gives none; the message says its status
 */
export async function fetchToken(
  request: TokenRequest,
  options: TokenOptions,
): Promise<string> {
  const { fetcher, credentials } = options;
  using limit = deadline(options.signal, TOKEN_MS);
  const url = new URL(request.realm);
  // A redirect would take the credentials to somebody else.
  const fixed = { signal: limit.signal, redirect: "manual" } as const;
  const response = credentials?.kind === "identity-token"
    ? await fetcher(url, {
      ...fixed,
      method: "POST",
      body: new URLSearchParams({
        ["grant_type"]: "refresh_token",
        ["refresh_token"]: credentials.token,
        ["client_id"]: CLIENT_ID,
        service: request.service,
        scope: request.scope,
      }),
    })
    : await fetcher(withQuery(url, request), {
      ...fixed,
      headers: credentials
        ? {
          Authorization: basicAuthorization(
            credentials.username,
            credentials.password,
          ),
        }
        : {},
    });
  return await readToken(response, url.host);
}

function withQuery(url: URL, { service, scope }: TokenRequest): URL {
  if (service) url.searchParams.set("service", service);
  if (scope) url.searchParams.set("scope", scope);
  return url;
}

async function readToken(response: Response, host: string): Promise<string> {
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${host} gives no token: status ${response.status}`);
  }
  const text = await readText(response.body, MAX_TOKEN_BYTES);
  const token = parseToken(text);
  if (token === null) throw new Error(`${host} gives no token: no JSON of one`);
  return token;
}

function parseToken(text: string): string | null {
  try {
    const { token, ["access_token"]: accessToken } = JSON.parse(text);
    const found = token || accessToken; // Some send both, one of them empty.
    // Else it would not fit into a header.
    return typeof found === "string" && /^[\x21-\x7e]+$/.test(found)
      ? found
      : null;
  } catch {
    return null;
  }
}
