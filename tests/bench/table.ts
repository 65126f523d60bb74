/** Rows of figures as a table for people. @module */
import type { Plan } from "./plan.ts";
import type { Row, Spread, Summary } from "./summary.ts";

const MB = 1e6;
const MIB_BYTES = 1 << 20;

/** One column: its head, and its cell for a row. */
interface Column {
  head: string;
  cell(summary: Summary): string;
}

/** A column of one figure, in a unit, with its spread when there is one. */
function figure(
  head: string,
  pick: (summary: Summary) => Spread,
  { unit, digits }: { unit: number; digits: number },
): Column {
  const text = (value: number) => (value / unit).toFixed(digits);
  return {
    head,
    cell(summary) {
      const { median, min, max } = pick(summary);
      if (max === 0) return "-"; // without a mirror there is nothing to weigh
      const [least, most] = [text(min), text(max)];
      return text(median) + (least === most ? "" : ` (${least}-${most})`);
    },
  };
}

const COLUMNS: Column[] = [
  figure("makespan s", (s) => s.makespan, { unit: 1000, digits: 2 }),
  figure("p50 s", (s) => s.p50, { unit: 1000, digits: 2 }),
  figure("max s", (s) => s.slowest, { unit: 1000, digits: 2 }),
  figure("but one s", (s) => s.butOne, { unit: 1000, digits: 2 }),
  figure("registry MB", (s) => s.registry, { unit: MB, digits: 1 }),
  figure("x image", (s) => s.multiple, { unit: 1, digits: 2 }),
  figure("x after 1 s", (s) => s.later, { unit: 1, digits: 2 }),
  figure("RSS MiB", (s) => s.peakRss, { unit: MIB_BYTES, digits: 0 }),
  figure("anon MiB", (s) => s.peakAnon, { unit: MIB_BYTES, digits: 0 }),
  figure("CPU s", (s) => s.cpuSeconds, { unit: 1, digits: 2 }),
  { head: "errors", cell: ({ errors }) => String(errors.length) },
  {
    head: "nodes sent MB",
    cell: ({ nodeBytes }) =>
      nodeBytes.map((bytes) => (bytes / MB).toFixed(0)).join(" "),
  },
];

/** Says in one line what was measured. */
export function caption(plan: Plan, rows: readonly Row[]): string {
  const size = ((rows[0]?.runs[0]?.imageBytes ?? 0) / MB).toFixed(1);
  const rate = (mbit: number) => mbit === 0 ? "no limit" : `${mbit} Mbit/s`;
  const { slowNode, slowNumber, stagger, whenListening } = plan;
  const slow = slowNode === undefined
    ? ""
    : `, node ${slowNumber} ${rate(slowNode)}`;
  const together = plan.scenario !== "cold" || stagger === 0;
  const apart = together ? "" : `, ${stagger} ms apart`;
  const when = plan.scenario === "boot" && whenListening
    ? " whose mirrors listen"
    : "";
  return [
    `${plan.scenario}, ${plan.nodes} nodes${when}${apart}, ${plan.image} (${size} MB)`,
    `registry ${rate(plan.registryMbit)}, nodes ${rate(plan.nodeMbit)}${slow}`,
    `containerd ${plan.containerd.join()}, runs ${plan.repeat}`,
  ].join("; ");
}

/** The caption, the table, and every error below it. */
export function formatTable(plan: Plan, rows: readonly Row[]): string {
  const cells = [
    ["", ...COLUMNS.map(({ head }) => head)],
    ...rows.map(({ name, summary }) => [
      name,
      ...COLUMNS.map((column) => column.cell(summary)),
    ]),
  ];
  const widths = [0, ...COLUMNS.keys().map((i) => i + 1)].map((i) =>
    Math.max(...cells.map((line) => line[i]?.length ?? 0))
  );
  const lines = cells.map((line) =>
    line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd()
  );
  const errors = rows.flatMap(({ name, summary }) =>
    summary.errors.map((error) => `${name}: ${error}`)
  );
  return [caption(plan, rows), "", ...lines, ...errors, ""].join("\n");
}
