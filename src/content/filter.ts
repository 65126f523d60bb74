/**
 * What is shared and what is not: registries, repositories and tags that the
 * operator named.
 *
 * @module
 */

import { registryHost, tagKey, type TagReference } from "../oci/reference.ts";
import type { ContentRequest } from "../oci/request.ts";

/** What the operator set. */
export interface FilterOptions {
  /**
   * Only these registries (`host` or `host:port`) are served and shared; all
   * when empty.
   */
  readonly mirroredRegistries: readonly string[];
  /** What any of these matches in `registry/repository[:tag]` is left out. */
  readonly registryFilters: readonly RegExp[];
  /** False: no tag is answered; containerd asks the registry for each. */
  readonly resolveTags: boolean;
  /** False: the tag `latest` is not answered. */
  readonly resolveLatestTag: boolean;
}

/** Decides about requests, and about content by the names it is known under. */
export interface ContentFilter {
  /**
   * False when every registry and repository may be shared: then nobody needs
   * to find out whose content something is.
   */
  readonly restricts: boolean;
  /** Tells whether this tag may be asked for. */
  allowsTag(reference: TagReference): boolean;
  /** Tells whether this content may be asked for, in the words of the asker. */
  allowsContent(request: ContentRequest): boolean;
  /** Tells whether content of this repository may be shared. */
  allowsRepository(registry: string, repository: string): boolean;
  /**
   * Tells the same by containerd's source label, which has lost the
   * registry's port (`10.99.0.2` for `10.99.0.2:5000`). `registries`
   * are names that the host may stand for; one that is filtered is a no.
   */
  allowsLabel(
    host: string,
    repository: string,
    registries: Iterable<string>,
  ): boolean;
}

/**
 * Makes the filter of a node.
 *
 * @param options What the operator set
 * @returns The filter
 */
export function contentFilter(options: FilterOptions): ContentFilter {
  const mirrored = new Set(options.mirroredRegistries);
  const mirroredHosts = new Set([...mirrored].map(registryHost));
  // Not test(): with the flags g and y it goes on where it last stopped.
  const isFiltered = (name: string) =>
    options.registryFilters.some((filter) => name.search(filter) >= 0);
  const allowsRegistry = (registry: string) =>
    mirrored.size === 0 || mirrored.has(registry);
  const allowsRepository = (registry: string, repository: string) =>
    allowsRegistry(registry) && !isFiltered(`${registry}/${repository}`);

  return {
    restricts: mirrored.size > 0 || options.registryFilters.length > 0,
    allowsTag: (reference) =>
      options.resolveTags &&
      (options.resolveLatestTag || reference.tag !== "latest") &&
      allowsRegistry(reference.registry) && !isFiltered(tagKey(reference)),
    allowsContent: ({ registry, repository }) =>
      registry === undefined || allowsRepository(registry, repository),
    allowsRepository,
    allowsLabel(host, repository, registries) {
      if (mirrored.size > 0 && !mirroredHosts.has(registryHost(host))) {
        return false;
      }
      const names = [host, ...registries, ...mirrored]
        .filter((name) => registryHost(name) === registryHost(host));
      return !names.some((name) => isFiltered(`${name}/${repository}`));
    },
  };
}
