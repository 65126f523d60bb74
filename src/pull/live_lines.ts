/**
 * Lines on a terminal that are drawn again in place, below lines that stay.
 *
 * @module
 */

/** Where lines go. */
export interface Screen {
  /** Takes text at once. */
  write(text: string): void;
  /** How much fits; null where it is no terminal. */
  readonly size: () => ScreenSize | null;
}

/** A terminal's size; 0 is what one says that does not know. */
export interface ScreenSize {
  /** Characters of a line. */
  readonly columns: number;
  /** Lines. */
  readonly rows: number;
}

/** Lines that stay, and lines that change. */
export interface LiveLines {
  /** Writes a line that stays. */
  print(line: string): void;
  /** Replaces the lines that change; on what is no terminal it does nothing. */
  show(lines: readonly string[]): void;
}

/** For a terminal that does not know how large it is. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/**
 * Makes the lines of a screen.
 *
 * @param screen Where they go
 * @returns The lines, none yet
 */
export function liveLines(screen: Screen): LiveLines {
  let latest: readonly string[] = [];
  let shown: readonly string[] = []; // What fitted of them.

  function draw(stays: string, lines: readonly string[]): void {
    const columns = screen.size()?.columns || DEFAULT_COLUMNS;
    const rows = screen.size()?.rows || DEFAULT_ROWS;
    // One text, or it would flicker. Up to the first line, and clear below.
    const up = shown.length > 0 ? `\x1b[${shown.length}A\r\x1b[J` : "";
    // A line that wraps would be two to go up.
    const cut = fitting(lines, rows - 1)
      .map((line) => [...line].slice(0, columns - 1).join(""));
    shown = cut;
    screen.write(up + stays + cut.map((line) => `${line}\n`).join(""));
  }

  return {
    print: (line) => draw(`${line}\n`, latest),
    show(lines) {
      if (screen.size() === null) return;
      latest = lines;
      draw("", lines);
    },
  };
}

/** The cursor never comes to what has left the screen at its upper end. */
function fitting(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  const shown = lines.slice(0, Math.max(0, room - 1));
  return [...shown, `  and ${lines.length - shown.length} more`];
}

/** A part of a bar. */
export interface BarPart {
  /** In the unit of the whole. */
  readonly amount: number;
  /** What it is drawn with, one character. */
  readonly fill: string;
}

/**
 * Draws a bar.
 *
 * @param parts Its parts, from the left
 * @param whole What the full bar stands for
 * @param width Characters
 * @returns The bar; parts that are more than the whole are cut
 */
export function bar(
  parts: readonly BarPart[],
  whole: number,
  width: number,
): string {
  let text = "";
  let sum = 0;
  for (const { amount, fill } of parts) {
    sum += amount;
    const end = whole > 0
      ? Math.min(width, Math.round(sum / whole * width))
      : 0;
    text += fill.repeat(Math.max(0, end - text.length));
  }
  return text.padEnd(width, "·");
}

/**
 * Writes a number of bytes.
 *
 * @param bytes How many
 * @returns `1.2 kB`, `3.4 MB`, `567 MB`; three digits, in steps of a thousand
 */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
