/**
 * What a 401 asks for: the WWW-Authenticate header (RFC 9110, section 11.6.1).
 *
 * @module
 */

/** One way to prove who asks. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** `realm`, `service`, `scope`; names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const SCHEME = new RegExp(`[\\s,]*(${TOKEN})(?=[\\s,]|$)`, "y");
const PARAMETER = new RegExp(
  `[\\s,]*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]*))`,
  "y",
);

/** A longer header is nobody's challenge. */
const MAX_LENGTH = 8_192;

/**
 * Reads the header.
 *
 * @param header Its value; several challenges may stand in one
 * @returns The challenges up to where it is malformed; none without a header
 */
export function parseChallenges(header: string | null): Challenge[] {
  const text = header ?? "";
  if (text.length > MAX_LENGTH) return [];
  const challenges: Challenge[] = [];
  let parameters: Record<string, string> | undefined;
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    const parameter = parameters && next(PARAMETER);
    if (parameters && parameter) {
      const [, name = "", quoted, plain = ""] = parameter;
      parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain;
      continue;
    }
    const scheme = next(SCHEME)?.[1];
    if (scheme === undefined) break;
    parameters = {};
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
