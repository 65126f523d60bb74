/**
 * Logs: JSON lines on stderr, one event a line. The only door to LogTape.
 *
 * @module
 */

import {
  configureSync,
  getLogger,
  type LogLevel as LogtapeLevel,
  type LogRecord,
  resetSync,
} from "@logtape/logtape";

/** Facts of a line. Values are text, numbers, booleans, null or errors. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a part of the program says what happened. */
export interface Log {
  /** For whoever develops Peili. */
  debug(message: string, fields?: LogFields): void;
  /** For whoever runs it: what happened, as it should. */
  info(message: string, fields?: LogFields): void;
  /** Something is wrong and Peili goes on without it. */
  warn(message: string, fields?: LogFields): void;
  /** Something is wrong that a person must mend. */
  error(message: string, fields?: LogFields): void;
}

/** How much is said. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The levels, least important first. */
export const LOG_LEVELS: readonly LogLevel[] = [
  "debug",
  "info",
  "warn",
  "error",
];

/** A log that says nothing. */
export const NO_LOG: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/**
 * Starts logging for the process.
 *
 * @param level The least important level that is written
 * @param write Takes one line with its newline, stderr by default
 * @returns The log; disposing it ends logging
 */
export function startLog(
  level: LogLevel,
  write: (line: string) => void = writeStderr,
): Log & Disposable {
  configureSync({
    reset: true,
    sinks: { lines: (record) => write(formatLine(record)) },
    loggers: [
      {
        category: "peili",
        lowestLevel: level === "warn" ? "warning" : level,
        sinks: ["lines"],
      },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["lines"] },
    ],
  });
  const logger = getLogger("peili");
  return {
    debug: (message, fields) => logger.debug(message, { ...fields }),
    info: (message, fields) => logger.info(message, { ...fields }),
    warn: (message, fields) => logger.warn(message, { ...fields }),
    error: (message, fields) => logger.error(message, { ...fields }),
    [Symbol.dispose]: () => resetSync(),
  };
}

const LEVEL_NAMES: Partial<Record<LogtapeLevel, LogLevel>> = {
  warning: "warn",
};

function formatLine({ level, timestamp, rawMessage, properties }: LogRecord) {
  const own = {
    level: LEVEL_NAMES[level] ?? level,
    time: new Date(timestamp).toISOString(),
    msg: typeof rawMessage === "string" ? rawMessage : rawMessage.join(""),
  };
  // The line's own facts stand first, and no field takes their place.
  const line = { ...own, ...properties, ...own };
  return JSON.stringify(
    line,
    (_key, value) => value instanceof Error ? describeError(value) : value,
  ) + "\n";
}

/**
 * An error as one text: its own words and those of what caused it.
 *
 * @param error What was thrown
 * @returns The text, on one line if the messages are
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message || error.name;
  return error.cause instanceof Error
    ? `${own}: ${describeError(error.cause)}`
    : own;
}

const encoder = new TextEncoder();

function writeStderr(line: string): void {
  // Synchronous: a line that is lost when the process ends is the one needed.
  Deno.stderr.writeSync(encoder.encode(line));
}
