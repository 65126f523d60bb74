/**
 * The whole demo, as large as a test may be: real processes, and what the
 * registry and the nodes counted.
 *
 * @module
 */

import assert from "node:assert/strict";
import { demoFolder } from "../../demo/folder.ts";
import { demoView, formatTable } from "../../demo/picture.ts";
import {
  type NodeFigures,
  type RoundFigures,
  runDemo,
} from "../../demo/rounds.ts";
import { ROOT } from "../program.ts";

const { signal } = new AbortController();
const IMAGE_BYTES = 20e6;

/** What an image has beside its layers. */
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

/** Lines without what differs from run to run, or may be missing. */
function shapeOf(text: string): string[] {
  return text.replaceAll(/[█▒·]+/g, "BAR")
    .replaceAll(/[0-9.]+ [kMG]?B/g, "BYTES")
    .replaceAll(/[0-9]+\.[0-9] s\b/g, "TIME")
    .replaceAll(/ +/g, " ").split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !/^BYTES of BYTES$/.test(line));
}

Deno.test("runDemo() shows 5 nodes that cost the registry one image, and one that costs it nothing", async () => {
  let shown = "";
  const view = demoView({
    write: (text) => void (shown += text),
    size: () => null,
  });
  let path = "";
  let rounds: RoundFigures[] = [];
  {
    await using folder = await demoFolder(OPTIONS.keep);
    path = folder.path;
    rounds = await runDemo(OPTIONS, { path, view }, signal);
  }
  await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  mustBeOneImage(rounds);

  // README shows it as it is.
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const [, block = ""] = /\n {4}(Round 1: [^]*?)\n\n\S/.exec(readme) ?? [];
  assert.deepEqual(shapeOf(block), shapeOf(shown + formatTable(rounds)));
});

function mustBeOneImage(rounds: readonly RoundFigures[]): void {
  const [alone, together, stopped] = rounds;
  assert.ok(alone && together && stopped);
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
}
