/**
 * Functions from content sources to a content source.
 *
 * @module
 */

import { RegistryError } from "../oci/error.ts";
import type { ContentFilter } from "./filter.ts";
import type { ContentSource } from "./source.ts";

/**
 * Asks sources in order; the first that has it answers. A source that fails
 * does not keep the next from being asked: its error is passed on only when
 * nobody after it has an answer.
 *
 * @param sources In order of preference
 * @returns All of them as one
 */
export function firstOf(...sources: readonly ContentSource[]): ContentSource {
  return {
    resolve: (reference, options) =>
      first(sources, (source) => source.resolve(reference, options)),
    stat: (request, options) =>
      first(sources, (source) => source.stat(request, options)),
    open: (request, options) =>
      first(sources, (source) => source.open(request, options)),
  };
}

async function first<T>(
  sources: readonly ContentSource[],
  ask: (source: ContentSource) => Promise<T | null>,
): Promise<T | null> {
  let failure: unknown;
  for (const source of sources) {
    try {
      const answer = await ask(source);
      if (answer) return answer;
    } catch (error) {
      // A registry's "no" with a reason is an answer, such as 416.
      if (error instanceof RegistryError) throw error;
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return null;
}

/**
 * Hides what a filter does not allow: it is as if it were not here, and the
 * source behind is not asked.
 *
 * @param source What is behind
 * @param filter Decides
 * @returns The source, seen through the filter
 */
export function filtered(
  source: ContentSource,
  filter: Pick<ContentFilter, "allowsTag" | "allowsContent">,
): ContentSource {
  const nothing = Promise.resolve(null);
  return {
    resolve: (reference, options) =>
      filter.allowsTag(reference)
        ? source.resolve(reference, options)
        : nothing,
    stat: (request, options) =>
      filter.allowsContent(request) ? source.stat(request, options) : nothing,
    open: (request, options) =>
      filter.allowsContent(request) ? source.open(request, options) : nothing,
  };
}
