/**
 * The demo's lines and its table, to the letter.
 *
 * @module
 */

import assert from "node:assert/strict";
import { demoView, formatTable, legend } from "../../demo/picture.ts";
import type { NodeFigures } from "../../demo/rounds.ts";

const ONGOING = false;
const ENDED = true;

const figures = (
  name: string,
  ms: number | null,
  fromRegistry: number,
  fromNodes: number,
): NodeFigures => ({ name, ms, fromRegistry, fromNodes });

const NODES = [
  figures("node-1", 2_440, 75e6, 25e6),
  figures("node-2", 2_560, 25e6, 75e6),
];

Deno.test("formatTable() sums what the nodes had", () => {
  const table = formatTable([
    {
      name: "without Peili",
      nodes: [
        figures("node-1", 9_960, 100e6, 0),
        figures("node-2", 10_200, 100e6, 0),
      ],
    },
    { name: "with Peili", nodes: NODES },
    {
      name: "registry stopped",
      nodes: [figures("node-3", 640, 0, 100e6)],
    },
  ]);
  assert.equal(
    table,
    `\
                             time   from the registry   from other nodes
2 nodes, without Peili     10.2 s              200 MB                0 B
2 nodes, with Peili         2.6 s              100 MB             100 MB
1 node, registry stopped    0.6 s                 0 B             100 MB
`,
  );
});

Deno.test("demoView() writes a bar a node where it is no terminal", () => {
  let text = "";
  const view = demoView({
    write: (more) => void (text += more),
    size: () => null,
  });
  view.preparing("a node");
  view.begins("Round 1", 100e6);
  view.shows([figures("node-1", null, 10e6, 0)], ONGOING);
  view.shows(NODES, ENDED);
  assert.equal(
    text,
    `
Round 1
  node-1   ██████████████████▒▒▒▒▒▒  registry 75.0 MB  nodes 25.0 MB   2.4 s
  node-2   ██████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  registry 25.0 MB  nodes 75.0 MB   2.6 s
`,
  );
  assert.equal(legend(), "█ from the registry   ▒ from other nodes");
});

Deno.test("demoView() draws the bars while they grow on a terminal", () => {
  const texts: string[] = [];
  const view = demoView({
    write: (text) => void texts.push(text),
    size: () => ({ columns: 80, rows: 24 }),
  });
  view.begins("Round 1", 100e6);
  view.shows([figures("node-1", null, 50e6, 0)], ONGOING);
  const [last = ""] = texts.slice(-1);
  assert.equal(
    last,
    "  node-1   ████████████············  registry 50.0 MB  nodes     0 B\n",
  );
  // The next takes its place.
  view.shows([figures("node-1", null, 60e6, 0)], ONGOING);
  assert.ok(texts.at(-1)?.startsWith("\x1b[1A"));
});
