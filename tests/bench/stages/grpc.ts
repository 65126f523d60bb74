/** The runtime with logs, metrics and a connected gRPC client. @module */
import { containerdClient } from "../../../src/containerd/client.ts";
import { startLog } from "../../../src/log.ts";
import { metricsRegistry } from "../../../src/metrics/metrics.ts";

startLog("info").info("stage");
await metricsRegistry().text();
const [socket = ""] = Deno.args;
const client = containerdClient({ socket, namespace: "k8s.io" });
const signal = new AbortController().signal;
await client.images(signal);
for await (const _event of client.events(signal)) {
  /* keeps the stream open */
}
