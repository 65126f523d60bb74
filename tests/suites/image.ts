/**
 * The smallest image: a manifest of its own with a name.
 *
 * @module
 */

import { OCI_INDEX } from "../../src/oci/media_type.ts";

/**
 * Makes an image.
 *
 * @param name Part of its repository
 * @returns Its manifest and its name
 */
export function smallImage(name: string): { manifest: string; tag: string } {
  return {
    manifest: JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [],
      annotations: { name },
    }),
    tag: `registry.example:5000/suite/${name}:v1`,
  };
}
