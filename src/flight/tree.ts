/**
 * Who takes from whom in a flight: walks over the tree that members and their
 * parents make.
 *
 * @module
 */

/** Members by address, each with whom it takes from; null: from upstream. */
export type Tree = ReadonlyMap<string, { readonly parent: string | null }>;

/** Each hop costs 1 MiB of delay: containerd writes in such steps. */
export const MAX_DEPTH = 16;

/**
 * Counts who takes from each node.
 *
 * @param members The tree
 * @param counts Whose place counts
 * @returns Children by parent; those without any are left out
 */
export function childrenOf(
  members: Tree,
  counts: (address: string) => boolean,
): Map<string, number> {
  const children = new Map<string, number>();
  for (const [address, { parent }] of members) {
    if (parent === null || !counts(address)) continue;
    children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  return children;
}

/**
 * Counts hops to a root; a parent that nobody knows is taken for one.
 *
 * @param members The tree
 * @param address Where to begin
 * @returns Hops, {@linkcode MAX_DEPTH} + 1 at most
 */
export function depthOf(members: Tree, address: string): number {
  let depth = 0;
  let at: string | null = address;
  while (at !== null && depth <= MAX_DEPTH) {
    const parent: string | null = members.get(at)?.parent ?? null;
    if (parent === null) return depth;
    depth++;
    at = parent;
  }
  return depth;
}

/**
 * Finds all who take from a node, and from those, and so on.
 *
 * @param members The tree
 * @param root Where to begin
 * @returns Their addresses, and that of the root
 */
export function descendants(members: Tree, root: string): Set<string> {
  const below = new Set<string>([root]);
  // Parents come in any order: repeat until nothing is added.
  for (let size = 0; size !== below.size;) {
    size = below.size;
    for (const [address, { parent }] of members) {
      if (parent !== null && below.has(parent)) below.add(address);
    }
  }
  return below;
}

/**
 * Finds whom a node's bytes come from in the end.
 *
 * @param members The tree
 * @param address Where to begin
 * @returns The way up: the node, its parent and so on to the root; empty when a
 * parent is not known, or takes from itself over others
 */
export function wayUp(members: Tree, address: string): string[] {
  const way: string[] = [];
  let at: string | null = address;
  while (at !== null) {
    const member: { readonly parent: string | null } | undefined = members.get(
      at,
    );
    if (!member || way.length > MAX_DEPTH) return [];
    way.push(at);
    at = member.parent;
  }
  return way;
}
