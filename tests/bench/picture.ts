/** What each node received by when, as a picture: one panel per mirror. @module */
import type { Plan } from "./plan.ts";
import type { RunResult } from "./run_once.ts";
import type { Row } from "./summary.ts";
import { caption } from "./table.ts";
import type { TrafficSample } from "./watch_traffic.ts";

const MB = 1e6;

/** A panel's axes, and the room around them, in px. */
const AXES = { width: 340, height: 280 };
const LEFT = 56;
const TOP = 80;
const PANEL_WIDTH = LEFT + AXES.width + 24;
const LEGEND_TOP = TOP + AXES.height + 60;
const LEGEND_ROW = 18;
const LEGEND_CELL = 84;

/** Ten colours that differ on white; the next ten nodes are dashed. */
const COLOURS = [
  ...["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9"],
  ...["#d55e00", "#7b4fa3", "#8c8c00", "#7f5539", "#00a6a6"],
];
const DASHES = ["", "6 2", "2 2"];
const REGISTRY = 'stroke="#222" stroke-width="3"';

/** What all panels share: the ends of their axes, and steps of their ticks. */
interface Scale {
  seconds: number;
  bytes: number;
}

/** One mirror's panel. */
interface Panel {
  title: string;
  traffic: TrafficSample[];
}

/** Round steps that divide an axis in 3 to 7. */
function stepOf(length: number): number {
  const least = length / 7;
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((step) => step * power >= least) ?? 10);
}

function ticks(length: number): number[] {
  const step = stepOf(length);
  const count = Math.floor(length / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

function text(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** The run whose makespan is the row's median. */
function typicalRun({ runs, summary }: Row): RunResult | undefined {
  const { median } = summary.makespan;
  return runs.find(({ makespanMs }) => makespanMs === median);
}

function panelOf(row: Row): Panel | null {
  const run = typicalRun(row);
  if (!run?.traffic) return null;
  const { makespanMs, registryBytes, imageBytes, traffic } = run;
  const seconds = (makespanMs / 1000).toFixed(2);
  const multiple = (registryBytes / imageBytes).toFixed(2);
  const title = `${row.name}: ${seconds} s, registry sent ${multiple}x`;
  return { title, traffic };
}

function scaleOf(panels: readonly Panel[]): Scale {
  const samples = panels.flatMap(({ traffic }) => traffic);
  const most = (pick: (sample: TrafficSample) => number) =>
    samples.reduce((max, sample) => Math.max(max, pick(sample)), 1e-3);
  return {
    seconds: most(({ ms }) => ms) / 1000,
    bytes: 1.04 * most((s) => Math.max(s.registrySent, ...s.received)),
  };
}

function nodeStroke(i: number): string {
  const colour = COLOURS[i % COLOURS.length];
  const dash = DASHES[Math.floor(i / COLOURS.length) % DASHES.length];
  const dashes = dash ? ` stroke-dasharray="${dash}"` : "";
  return `stroke="${colour}" stroke-width="1.4"${dashes}`;
}

/** A line through all samples of a panel. */
function line(
  { traffic }: Panel,
  { seconds, bytes }: Scale,
  { pick, stroke }: { pick: (sample: TrafficSample) => number; stroke: string },
): string {
  const points = traffic.map((sample) => {
    const x = sample.ms / 1000 / seconds * AXES.width;
    const y = AXES.height * (1 - pick(sample) / bytes);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return `<polyline fill="none" ${stroke} points="${points.join(" ")}"/>`;
}

/** Grid, numbers and units. */
function axes({ seconds, bytes }: Scale): string[] {
  const { width, height } = AXES;
  const grid = 'stroke="#ddd"';
  const along = ticks(seconds).flatMap((value) => {
    const x = (value / seconds * width).toFixed(1);
    return [
      `<path ${grid} d="M${x} 0V${height}"/>`,
      `<text x="${x}" y="${height + 16}" text-anchor="middle">${
        Number(value.toPrecision(6))
      }</text>`,
    ];
  });
  const up = ticks(bytes / MB).flatMap((value) => {
    const y = (height * (1 - value * MB / bytes)).toFixed(1);
    return [
      `<path ${grid} d="M0 ${y}H${width}"/>`,
      `<text x="-6" y="${y}" dy="4" text-anchor="end">${
        Number(value.toPrecision(6))
      }</text>`,
    ];
  });
  return [
    ...along,
    ...up,
    `<path stroke="#666" fill="none" d="M0 0V${height}H${width}"/>`,
    `<text x="${width}" y="${height + 32}" text-anchor="end">time (s)</text>`,
    `<text transform="translate(-42 0) rotate(-90)" text-anchor="end">` +
    "bytes (MB)</text>",
  ];
}

function drawPanel(panel: Panel, scale: Scale, x: number): string {
  const nodes = panel.traffic[0]?.received ?? [];
  const registrySent = ({ registrySent }: TrafficSample) => registrySent;
  return [
    `<g transform="translate(${x + LEFT} ${TOP})">`,
    `<text y="-10" font-weight="bold">${text(panel.title)}</text>`,
    ...axes(scale),
    line(panel, scale, { pick: registrySent, stroke: REGISTRY }),
    ...nodes.map((_, i) =>
      line(panel, scale, {
        pick: ({ received }) => received[i] ?? 0,
        stroke: nodeStroke(i),
      })
    ),
    "</g>",
  ].join("\n");
}

/** What each line is, in rows as wide as the picture. */
function legend(
  nodes: number,
  width: number,
): { lines: string[]; rows: number } {
  const perRow = Math.max(1, Math.floor((width - LEFT) / LEGEND_CELL));
  const entries = [
    { name: "registry sent", stroke: REGISTRY, cells: 2 },
    ...Array.from({ length: nodes }, (_, i) => ({
      name: `node ${i + 1}${i === 0 ? " received" : ""}`,
      stroke: nodeStroke(i),
      cells: i === 0 ? 2 : 1,
    })),
  ];
  const lines: string[] = [];
  let [row, cell] = [0, 0];
  for (const { name, stroke, cells } of entries) {
    if (cell > 0 && cell + cells > perRow) [row, cell] = [row + 1, 0];
    const [x, y] = [LEFT + cell * LEGEND_CELL, LEGEND_TOP + row * LEGEND_ROW];
    lines.push(
      `<path ${stroke} d="M${x} ${y - 4}h20"/>`,
      `<text x="${x + 26}" y="${y}">${name}</text>`,
    );
    cell += cells;
  }
  return { lines, rows: row + 1 };
}

/** The caption in two lines: who pulls what, and how. */
function heading(caption: string): string[] {
  const [who = "", ...how] = caption.split("; ");
  return [who, how.join("; ")].map((part, i) =>
    `<text x="${LEFT}" y="${22 + 18 * i}" font-size="13">${text(part)}</text>`
  );
}

/**
 * Draws the typical run of each row, all on one scale.
 *
 * @returns An SVG file
 */
export function drawRows(plan: Plan, rows: readonly Row[]): string {
  const panels = rows.flatMap((row) => panelOf(row) ?? []);
  const scale = scaleOf(panels);
  const width = PANEL_WIDTH * Math.max(2, panels.length);
  const { lines, rows: legendRows } = legend(plan.nodes, width);
  const height = LEGEND_TOP + legendRows * LEGEND_ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" ` +
    `height="${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    ...heading(caption(plan, rows)),
    ...panels.map((panel, i) => drawPanel(panel, scale, i * PANEL_WIDTH)),
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}
