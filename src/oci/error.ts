/**
 * Errors of a registry: their codes, their status, and the one place that makes
 * an answer of them.
 *
 * @module
 */

/** A code of the error body. */
export type ErrorCode =
  | "BLOB_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "RANGE_INVALID"
  | "UNAUTHORIZED"
  | "UNAVAILABLE"
  | "UNSUPPORTED";

/**
 * Code to status, the only such table. 408 and 429 are missing on purpose:
 * containerd repeats those up to 6 times back to back instead of going to the
 * next host. "No" is 404 and "busy" is 503: both send it on at once.
 *
 * Codes: OCI distribution spec v1.1, "Error Codes"; UNAVAILABLE (which is no 4xx)
 * and RANGE_INVALID from the distribution project's list.
 */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  BLOB_UNKNOWN: 404,
  DIGEST_INVALID: 404,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 404,
  NAME_UNKNOWN: 404,
  RANGE_INVALID: 416,
  UNAUTHORIZED: 401,
  UNAVAILABLE: 503,
  UNSUPPORTED: 404,
};

/**
 * What an answer says where the spec's list has no such code, and a 4xx must have
 * one of it: the nearest.
 */
const LISTED: Partial<Record<ErrorCode, string>> = {
  RANGE_INVALID: "SIZE_INVALID",
};

/** What an error may say beyond its code and message. */
export interface RegistryErrorOptions extends ErrorOptions {
  /** Facts for a program, in the body's `detail`. */
  readonly detail?: Record<string, unknown>;
  /** Status in place of the table's; 405 for a method that is not supported. */
  readonly status?: number;
  /** Further headers of the answer. */
  readonly headers?: Record<string, string>;
}

/** A "no" to a registry's client. */
export class RegistryError extends Error {
  /** The spec's code. */
  readonly code: ErrorCode;
  /** HTTP status of the answer. */
  readonly status: number;
  /** Facts for a program. */
  readonly detail: Record<string, unknown> | undefined;
  /** Further headers of the answer. */
  readonly headers: Record<string, string>;

  /**
   * Makes an error.
   *
   * @param code The spec's code
   * @param message For a person
   * @param options Cause, detail, status and headers
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: RegistryErrorOptions = {},
  ) {
    super(message, options);
    this.name = "RegistryError";
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.detail = options.detail;
    this.headers = options.headers ?? {};
  }
}

/**
 * Makes the answer of an error, with the body of the spec.
 *
 * @param error What went wrong
 * @param method The request's method; HEAD gets the headers alone
 * @returns The answer
 */
export function errorResponse(error: RegistryError, method: string): Response {
  const { code, message, detail, status } = error;
  const body = new TextEncoder().encode(JSON.stringify({
    errors: [{
      code: LISTED[code] ?? code,
      ...(detail ? { detail } : {}),
      message,
    }],
  }));
  return new Response(method === "HEAD" ? null : body, {
    status,
    headers: {
      "Content-Type": "application/json",
      "Content-Length": String(body.length),
      ...error.headers,
    },
  });
}
