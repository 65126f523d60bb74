/**
 * What a row of the table of options says, and how commander reads it.
 *
 * @module
 */

import { Argument, InvalidArgumentError, Option } from "commander";
import { yesOrNo } from "./option_text.ts";

/** One option. Its environment variable is its flag: `PEILI_MIRROR_ADDR`. */
export interface OptionRow<T> {
  /** As commander writes it: `--mirror-addr <host:port>`; `<image>` has no flag. */
  readonly flags: string;
  /** What it means, with its unit. */
  readonly help: string;
  /** Its default as text, read like the user's; none: it must be given. */
  readonly default?: string;
  /** What the flag means without a value, as text. */
  readonly preset?: string;
  /** Reads one text; throws TypeError that says what is allowed. */
  readonly read: (text: string) => T;
}

/** A switch that is off. */
export const SWITCH: Pick<
  OptionRow<boolean>,
  "default" | "preset" | "read"
> = {
  default: "false",
  preset: "true",
  read: yesOrNo,
};

/** Makes a row's option for commander, with its environment variable. */
export function toOption(row: OptionRow<unknown>): Option {
  const flag = /^--([a-z-]+)/.exec(row.flags)?.[1] ?? "";
  const variable = `PEILI_${flag.replaceAll("-", "_").toUpperCase()}`;
  const option = new Option(row.flags, row.help).env(variable)
    .argParser(forCommander(row.read));
  if (row.preset !== undefined) option.preset(row.preset);
  return row.default === undefined
    ? option.makeOptionMandatory()
    : option.default(row.read(row.default), row.default || "none");
}

/** Makes a row's argument for commander. */
export function toArgument(
  { flags, help, read }: OptionRow<unknown>,
): Argument {
  return new Argument(flags, help).argParser(forCommander(read));
}

/** Only what is thrown so is told with the option's name. */
function forCommander<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new InvalidArgumentError(error.message);
    }
  };
}
