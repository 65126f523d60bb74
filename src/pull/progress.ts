/**
 * A pull as a person sees it: a line for each piece of content, drawn in place
 * on a terminal, written once elsewhere.
 *
 * @module
 */

import type { Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { bar, formatBytes, liveLines, type Screen } from "./live_lines.ts";
import type { OriginName } from "./origins.ts";
import type { PullReport } from "./pull.ts";

/** A report that somebody looks at. */
export interface PullProgress extends PullReport, Disposable {}

/** Milliseconds between two drawings: smooth, and cheap over a slow line. */
const DRAW_MS = 100;

/** Milliseconds between two lines of what is no terminal, when nothing ends. */
const PLAIN_MS = 10_000;

const BAR_WIDTH = 24;

/** One piece of content. */
interface Piece {
  readonly word: string;
  readonly descriptor: Descriptor;
  offset: number;
  /** Bytes that this pull got, by who sent them. */
  readonly from: Map<OriginName, number>;
}

/**
 * Makes the report.
 *
 * @param screen Where it is written
 * @returns The report; disposing it ends its timer
 */
export function pullProgress(screen: Screen): PullProgress {
  const lines = liveLines(screen);
  const running = new Map<Digest, Piece>();
  const show = () => lines.show([...running.values()].map(liveLine));
  const isTerminal = screen.size() !== null;
  const timer = setInterval(() => {
    if (isTerminal) show();
    else if (running.size > 0) lines.print(plainLine([...running.values()]));
  }, isTerminal ? DRAW_MS : PLAIN_MS);
  return {
    begins(kind, descriptor) {
      const word = kind === "manifest" ? kind : wordOf(descriptor.mediaType);
      const from = new Map<OriginName, number>();
      running.set(descriptor.digest, { word, descriptor, offset: 0, from });
    },
    has(digest, offset, from) {
      const piece = running.get(digest);
      if (!piece) return;
      const came = offset - piece.offset;
      if (from) piece.from.set(from, (piece.from.get(from) ?? 0) + came);
      else piece.from.clear(); // It begins, or begins again.
      piece.offset = offset;
    },
    ends(digest) {
      const piece = running.get(digest);
      if (!piece) return;
      running.delete(digest);
      if (isTerminal) show();
      lines.print(`${titleOf(piece)}  ${sourceOf(piece)}`);
    },
    trouble: (problem) => lines.print(problem),
    [Symbol.dispose]() {
      clearInterval(timer);
      if (isTerminal) lines.show([]);
    },
  };
}

function wordOf(mediaType: string): string {
  if (/config|container\.image/.test(mediaType)) return "config";
  return /layer|rootfs/.test(mediaType) ? "layer" : "blob";
}

function titleOf({ word, descriptor: { digest, size } }: Piece): string {
  const hex = digest.slice(digest.indexOf(":") + 1);
  return `${word.padEnd(8)} ${hex.slice(0, 12)} ${
    formatBytes(size).padStart(8)
  }`;
}

function sourceOf({ from }: Piece): string {
  const all = [...from].filter(([, bytes]) => bytes > 0);
  if (all.length === 0) return "is here already";
  const [only] = all.length === 1 ? all : [];
  return only
    ? `from the ${only[0]}`
    : all.map(([name, bytes]) => `${formatBytes(bytes)} from the ${name}`)
      .join(", ");
}

function liveLine(piece: Piece): string {
  const { offset, descriptor: { size } } = piece;
  const drawn = bar([{ amount: offset, fill: "█" }], size, BAR_WIDTH);
  const source = [...piece.from.keys()].at(-1);
  return `${titleOf(piece)}  ${drawn} ${formatBytes(offset).padStart(8)}${
    source ? `  from the ${source}` : ""
  }`;
}

function plainLine(pieces: readonly Piece[]): string {
  const sum = (of: (piece: Piece) => number) =>
    formatBytes(pieces.reduce((total, piece) => total + of(piece), 0));
  return `still pulling: ${sum(({ offset }) => offset)} of ${
    sum(({ descriptor }) => descriptor.size)
  }`;
}
