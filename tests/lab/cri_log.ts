/** What CRI puts before each line that a container prints. @module */

/** A time, the stream, and whether the line ends here (F) or goes on (P). */
const PREFIX = /^\d{4}-\S+ (?:stdout|stderr) [FP] /;

/** The line as the container has printed it. */
export function withoutCriPrefix(line: string): string {
  return line.replace(PREFIX, "");
}
