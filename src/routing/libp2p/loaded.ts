/**
 * Imported last where js-libp2p is imported.
 *
 * @module
 */

import { loaded } from "./loading.ts";

loaded();
