/**
 * How `deno task run` starts Peili, for all that starts it as it does: `deno.json`
 * is the one place that says it, and a test holds the others to it.
 *
 * @module
 */
import deno from "../deno.json" with { type: "json" };

const { command } = deno.tasks.run;

/**
 * V8's flags, as `--v8-flags` and DENO_V8_FLAGS take them. Not among them:
 * `--single-threaded`, which saves nothing at rest and takes 115 MiB instead of 86
 * in a cold start of 5 nodes over libp2p.
 */
export const V8_FLAGS: string = /--v8-flags=(\S+)/.exec(command)?.[1] ?? "";

/** Variables of the runtime and of the C library. */
export const VARIABLES: Readonly<Record<string, string>> = Object.fromEntries(
  command.slice(0, command.indexOf("deno ")).split(" ").filter(Boolean)
    .map((variable) => variable.split("=")),
);
