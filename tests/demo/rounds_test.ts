/**
 * The whole demo, as large as a test may be: real processes, and what the
 * registry and the nodes counted.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NodeFigures } from "../../demo/rounds.ts";
import { runDemo } from "../../demo/rounds.ts";

const { signal } = new AbortController();
const IMAGE_BYTES = 20e6;

/** Manifest and config, which each node has of its own. */
const SMALL_BYTES = 10_000;

const OPTIONS = {
  nodes: 5,
  imageBytes: IMAGE_BYTES,
  image: null,
  registryMbit: 400,
  keep: false,
};

function sum(
  nodes: readonly NodeFigures[],
  of: "fromRegistry" | "fromNodes",
): number {
  return nodes.reduce((total, node) => total + node[of], 0);
}

Deno.test("runDemo() shows 5 nodes that cost the registry one image, and one that costs it nothing", async () => {
  const titles: string[] = [];
  const ended: (readonly NodeFigures[])[] = [];
  const { rounds, path } = await runDemo(OPTIONS, {
    preparing() {},
    begins: (title) => titles.push(title),
    shows: (nodes, isEnd) => isEnd && ended.push(nodes),
  }, signal);
  const [alone, together, stopped] = rounds;
  assert.ok(alone && together && stopped);
  assert.equal(titles.length, 3);
  assert.deepEqual(ended, rounds.map(({ nodes }) => nodes));
  for (const { nodes } of rounds) {
    assert.ok(nodes.every(({ ms }) => ms !== null));
  }

  for (const { fromRegistry, fromNodes } of alone.nodes) {
    assert.ok(fromRegistry >= IMAGE_BYTES, `${fromRegistry}`);
    assert.ok(fromRegistry < IMAGE_BYTES + SMALL_BYTES, `${fromRegistry}`);
    assert.equal(fromNodes, 0);
  }

  assert.equal(together.nodes.length, 5);
  const sent = sum(together.nodes, "fromRegistry");
  assert.ok(sent >= IMAGE_BYTES && sent <= 1.05 * IMAGE_BYTES, `${sent}`);
  const shared = sum(together.nodes, "fromNodes");
  assert.ok(shared >= 5 * IMAGE_BYTES - sent, `${shared}`);

  const [joined] = stopped.nodes;
  assert.equal(joined?.name, "node-6");
  assert.equal(joined.fromRegistry, 0);
  assert.ok(joined.fromNodes >= IMAGE_BYTES, `${joined.fromNodes}`);
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
});
