/**
 * Asks a mirror for a trial's image as containerd would.
 *
 * @module
 */

import { readText } from "../async/read_text.ts";
import { digestOf } from "../oci/digest.ts";
import type { TrialImage } from "./trial_image.ts";

/** What came of it: the image, no image, or nobody who answered. */
export type Asked =
  | { readonly kind: "got"; readonly ms: number }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "nobody"; readonly why: string };

/** No part of a trial's image is longer. */
const MAX_PART_BYTES = 64 << 10;

/**
 * Asks for every part of an image and compares its bytes.
 *
 * @param base `http://host:port` of a mirror
 * @param image What is asked for
 * @returns What came of it; never rejects
 */
export async function pullTrial(
  base: string,
  image: TrialImage,
  deps: { readonly fetcher: typeof fetch; readonly signal: AbortSignal },
): Promise<Asked> {
  const start = performance.now();
  const { registry, repository, tag, contents } = image;
  const root = `${base.replace(/\/+$/, "")}/v2/${repository}`;
  const ns = `ns=${encodeURIComponent(registry)}`;
  const manifest = contents.length - 1;
  for (const [i, { digest, mediaType }] of [...contents.entries()].reverse()) {
    const path = i === manifest ? `manifests/${tag}` : `blobs/${digest}`;
    try {
      const response = await deps.fetcher(`${root}/${path}?${ns}`, {
        signal: deps.signal,
        redirect: "manual",
        headers: { "Accept": `${mediaType}, */*` },
      });
      // Every part is text, its archive of zeros included.
      const text = await readText(response.body, MAX_PART_BYTES);
      if (response.status !== 200) {
        return {
          kind: "refused",
          why: `status ${response.status} for ${path}`,
        };
      }
      if (digestOf(text) !== digest) {
        return { kind: "refused", why: `other bytes for ${path}` };
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { kind: "nobody", why };
    }
  }
  return { kind: "got", ms: Math.round(performance.now() - start) };
}
