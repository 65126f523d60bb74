/**
 * A request's body that is what was signed, or breaks.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { chunkReader, chunkStream } from "../async/chunks.ts";
import { RegistryError } from "../oci/error.ts";

/**
 * Checks the body of a request while it is read.
 *
 * @param request Its body is not read yet
 * @param digest What the proof says of it, SHA-256 in base64url
 * @returns The same request; reading its body to the end fails if it is another
 */
export function withCheckedBody(request: Request, digest: string): Request {
  const hash = createHash("sha256");
  const reader = chunkReader(request.body ?? new Blob().stream());
  const body = chunkStream({
    async read() {
      const chunk = await reader.read();
      if (chunk) hash.update(chunk);
      else if (hash.digest("base64url") !== digest) {
        throw new RegistryError("UNAUTHORIZED", "another body than was signed");
      }
      return chunk;
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Request(request, { body });
}
