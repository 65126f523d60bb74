/**
 * Real nodes of the demo, when somebody has their port.
 *
 * @module
 */

import assert from "node:assert/strict";
import { freePorts, startCluster } from "../../demo/cluster.ts";
import { PortTakenError, receivedBytes } from "../../demo/node.ts";
import { temporaryFolder } from "../hosts/temporary_folder.ts";
import { isOpen, processesWith } from "./leftovers.ts";

const { signal } = new AbortController();

Deno.test("startCluster() takes other ports when one is taken", async () => {
  await using folder = await temporaryFolder();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const picked: number[][] = [];
  const pick = (count: number) => {
    const ports = freePorts(count);
    if (picked.length === 0) ports[1] = taken.addr.port;
    picked.push(ports);
    return ports;
  };
  const places = ["node-1", "node-2"]
    .map((name) => ({ name, folder: folder.path }));
  {
    await using cluster = await startCluster(places, signal, pick);
    assert.equal(picked.length, 2);
    for (const node of cluster.nodes) {
      assert.equal(await node.fromPeers(signal), 0);
    }
  }
  // The first try, too, left nothing.
  assert.deepEqual(await processesWith(folder.path), []);
  for (const [first = 0] of picked) assert.ok(!await isOpen(first));
});

Deno.test("startCluster() gives up when every port is taken, and says so", async () => {
  await using folder = await temporaryFolder();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let picks = 0;
  const pick = () => {
    picks++;
    return [taken.addr.port, taken.addr.port];
  };
  await assert.rejects(
    startCluster([{ name: "node-1", folder: folder.path }], signal, pick),
    (error) =>
      error instanceof PortTakenError &&
      error.message.includes(`127.0.0.1:${taken.addr.port} (--peer-addr)`),
  );
  assert.equal(picks, 3);
  assert.deepEqual(await processesWith(folder.path), []);
});

Deno.test("receivedBytes() reads the metric", () => {
  const text = `# TYPE peili_bytes_total counter
peili_bytes_total{source="peer",direction="sent"} 7
peili_bytes_total{source="peer",direction="received"} 1048576
`;
  assert.equal(receivedBytes(text), 1_048_576);
  assert.equal(receivedBytes(""), 0);
});
