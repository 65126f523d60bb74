/**
 * What must be so while js-libp2p is loaded, and no longer. It is loaded in one
 * go, so that nothing else runs meanwhile.
 *
 * @module
 */

import process from "node:process";
import { withoutWasm } from "../../no_wasm.ts";

const { env } = process;
// Its log looks through all variables for its own, which needs leave for all.
process.env = {};
const wasm = withoutWasm();

/** Ends it. */
export function loaded(): void {
  process.env = env;
  wasm[Symbol.dispose]();
}
