/**
 * How a node finds its first peers: the interface. Its kinds are the files
 * beside this one.
 *
 * @module
 */

/**
 * Names nodes that may be there. What it says are hints: they may be gone, or
 * be this node.
 */
export interface Bootstrap {
  /** What it is called in `--bootstrap-kind`. */
  readonly kind: "dns" | "http" | "static";

  /**
   * Asks once.
   *
   * @param signal Ends the question
   * @returns Where nodes may be, as `/ip4/10.0.0.1/tcp/5001`, `/ip6/...` or
   * `/dns/NAME/...`, with `/p2p/ID` behind it when the id is known; each once,
   * this node perhaps among them, empty when it was told that there is none
   * @throws {Error} If nobody answers
   */
  find(signal: AbortSignal): Promise<readonly string[]>;
}
