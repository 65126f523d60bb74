/**
 * Imported first where gRPC is imported.
 *
 * @module
 */

import { withoutWasm } from "../no_wasm.ts";

/** What must be so while gRPC is loaded, and no longer. */
export const loading: Disposable = withoutWasm();
