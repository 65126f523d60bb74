/**
 * The demo as a person sees it: a bar a node, drawn in place on a terminal and
 * written once elsewhere, and a table at the end.
 *
 * @module
 */

import {
  bar,
  formatBytes,
  type LiveLines,
  liveLines,
  type Screen,
} from "../src/pull/live_lines.ts";
import type { DemoView, NodeFigures, RoundFigures } from "./rounds.ts";

const BAR_WIDTH = 24;

/** What a bar is drawn with, by where the bytes came from. */
const REGISTRY = "█";
const NODES = "▒";

/** Milliseconds between two lines of what is no terminal, while nothing ends. */
const PLAIN_MS = 5_000;

/**
 * Makes the view.
 *
 * @param screen Where it is written
 * @returns The view
 */
export function demoView(screen: Screen): DemoView {
  const lines: LiveLines = liveLines(screen);
  const isTerminal = screen.size() !== null;
  let imageBytes = 0;
  let plainAt = 0;
  return {
    preparing: (what) => lines.show([`  preparing ${what} ...`]),
    begins(title, bytes) {
      imageBytes = bytes;
      plainAt = performance.now();
      lines.show([]);
      lines.print("");
      lines.print(title);
    },
    shows(nodes, ended) {
      const drawn = nodes.map((node) => nodeLine(node, imageBytes));
      if (ended) {
        lines.show([]);
        drawn.forEach((line) => lines.print(line));
      } else if (isTerminal) {
        lines.show(drawn);
      } else if (performance.now() - plainAt > PLAIN_MS) {
        plainAt = performance.now();
        lines.print(`  ${plainLine(nodes, imageBytes)}`);
      }
    },
  };
}

function nodeLine(node: NodeFigures, imageBytes: number): string {
  const { name, ms, fromRegistry, fromNodes } = node;
  const drawn = bar(
    [
      { amount: fromRegistry, fill: REGISTRY },
      { amount: fromNodes, fill: NODES },
    ],
    imageBytes,
    BAR_WIDTH,
  );
  return [
    `  ${name.padEnd(7)}`,
    drawn,
    `registry ${formatBytes(fromRegistry).padStart(7)}`,
    `nodes ${formatBytes(fromNodes).padStart(7)}`,
    ms === null ? "" : formatMs(ms).padStart(6),
  ].join("  ").trimEnd();
}

function plainLine(nodes: readonly NodeFigures[], imageBytes: number): string {
  const had = sum(nodes, (node) => node.fromRegistry + node.fromNodes);
  return `${formatBytes(had)} of ${formatBytes(imageBytes * nodes.length)}`;
}

/**
 * What the bars mean.
 *
 * @returns One line
 */
export function legend(): string {
  return `${REGISTRY} from the registry   ${NODES} from other nodes`;
}

/**
 * Writes the table.
 *
 * @param rounds What was counted
 * @returns Its lines, each ending in a newline
 */
export function formatTable(rounds: readonly RoundFigures[]): string {
  const head = ["", "time", "from the registry", "from other nodes"];
  const rows = rounds.map(({ name, nodes }) => [
    `${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}, ${name}`,
    formatMs(Math.max(...nodes.map(({ ms }) => ms ?? 0))),
    formatBytes(sum(nodes, (node) => node.fromRegistry)),
    formatBytes(sum(nodes, (node) => node.fromNodes)),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0))
  );
  return [head, ...rows].map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    }).join("   ") + "\n"
  ).join("");
}

function sum(
  nodes: readonly NodeFigures[],
  of: (node: NodeFigures) => number,
): number {
  return nodes.reduce((total, node) => total + of(node), 0);
}

function formatMs(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
