/**
 * What proves to a registry who asks.
 *
 * @module
 */

/** A password, or a token of an earlier login. */
export type Credentials =
  | {
    readonly kind: "password";
    readonly username: string;
    readonly password: string;
  }
  | {
    /** What the registry's token server takes as a refresh token. */
    readonly kind: "identity-token";
    readonly token: string;
  };

/**
 * Finds the credentials of a registry.
 *
 * @throws {Error} If they are somewhere and cannot be had
 */
export type FindCredentials = (
  registry: string,
  signal: AbortSignal,
) => Promise<Credentials | null>;

/**
 * Writes a password as an Authorization header.
 *
 * @param username Not empty
 * @param password The secret
 * @returns The header's value
 */
export function basicAuthorization(username: string, password: string): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${bytes.toBase64()}`;
}
