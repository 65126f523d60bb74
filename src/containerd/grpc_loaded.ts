/**
 * Imported last where gRPC is imported.
 *
 * @module
 */

import { loading } from "./grpc_loading.ts";

loading[Symbol.dispose]();
