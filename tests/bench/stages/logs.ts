/** The runtime with logs and metrics. @module */
import { startLog } from "../../../src/log.ts";
import { metricsRegistry } from "../../../src/metrics/metrics.ts";

startLog("info").info("stage");
await metricsRegistry().text();
await new Promise(() => setInterval(() => {}, 60_000));
