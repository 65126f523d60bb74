/**
 * Routers over libp2p find each other and what they have.
 *
 * @module
 */

import { routerSuite } from "../../suites/router_suite.ts";
import { LIBP2P, libp2pCluster } from "./libp2p_cluster.ts";

routerSuite("startLibp2p()", libp2pCluster, LIBP2P);

routerSuite(
  "startLibp2p() in a private network",
  (size) => libp2pCluster(size, { swarmKey: new Uint8Array(32).fill(7) }),
  LIBP2P,
);
