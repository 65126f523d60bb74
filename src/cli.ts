/**
 * Every command in one table: name, options, what it does.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import deno from "../deno.json" with { type: "json" };
import {
  type Config,
  dropEmptyVariables,
  optionsOf,
  registryNames,
} from "./config.ts";
import { installHosts } from "./hosts/install.ts";
import { mirrorHosts } from "./hosts/mirror_hosts.ts";
import { type Log, startLog } from "./log.ts";

/** What a command gets. */
interface CommandContext {
  readonly config: Config;
  readonly log: Log;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
}

interface CommandRow {
  readonly name: string;
  readonly help: string;
  readonly options: readonly (keyof Config)[];
  /** Does it; the number is the exit code. */
  readonly run: (context: CommandContext) => Promise<number>;
}

/** Exit codes: 0 done, 1 failed, 2 used wrongly. */
const FAILED = 1;
const USAGE = 2;

const COMMANDS: readonly CommandRow[] = [
  {
    name: "run",
    help: "run the mirror beside this node's containerd",
    options: [
      "containerdSock",
      "containerdNamespace",
      "containerdContentPath",
      "containerdRegistryConfigPath",
      "dataDir",
      "mirrorAddr",
      "peerAddr",
      "routerAddr",
      "metricsAddr",
      "bootstrapKind",
      "staticPeers",
      "dnsBootstrapDomain",
      "httpBootstrapAddr",
      "httpBootstrapPeer",
      "staticBootstrapPeers",
      "peerIp",
      "zone",
      "network",
      "secretFile",
      "mirroredRegistries",
      "registryFilters",
      "resolveTags",
      "resolveLatestTag",
      "upstream",
      "fanOut",
      "logLevel",
    ],
    run,
  },
  {
    name: "configure",
    help: "tell containerd, in its certs.d folder, to ask Peili first",
    options: [
      "containerdRegistryConfigPath",
      "mirrorTargets",
      "mirroredRegistries",
      "resolveTags",
      "logLevel",
    ],
    run: configure,
  },
  {
    name: "version",
    help: "print the version",
    options: [],
    run: version,
  },
];

async function run({ config, log, signal }: CommandContext): Promise<number> {
  const mirroredRegistries = registryNames(config.mirroredRegistries);
  // Only this command needs gRPC and its permissions, 22 MiB and 0.1 s.
  const { startNode } = await import("./node.ts");
  await using node = await startNode({ ...config, mirroredRegistries }, log);
  log.info("running", {
    version: deno.version,
    mirror: node.mirrorAddress,
    peer: node.peerAddress,
    metrics: node.metricsAddress,
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  log.info("stopping");
  return 0;
}

async function configure({ config, log }: CommandContext): Promise<number> {
  const files = mirrorHosts({
    registries: config.mirroredRegistries,
    mirrorTargets: config.mirrorTargets,
    resolveTags: config.resolveTags,
  });
  const outcomes = await installHosts(
    config.containerdRegistryConfigPath,
    files,
    { log },
  );
  return outcomes.some(({ kind }) => kind === "left-alone") ? FAILED : 0;
}

function version(): Promise<number> {
  return print(`peili ${deno.version}\n`).then(() => 0);
}

async function print(text: string): Promise<void> {
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable, {
    preventClose: true,
  });
}

/**
 * Runs the command that the arguments name.
 *
 * @param args The process's arguments, without the program
 * @param signal Asks a running command to end
 * @returns The exit code: 0 done, 1 failed, 2 used wrongly
 */
export async function main(
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let code = 0;
  const program = new Command("peili")
    .description(
      "A stateless, cluster-local mirror: nodes pull images from each other.",
    )
    // Else commander looks for colours in variables that no set allows.
    .configureOutput({
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  for (const row of COMMANDS) {
    const command = program.command(row.name).description(row.help)
      .exitOverride()
      .action(async (config: Config) => {
        code = await perform(row, config, signal);
      });
    if (args[0] === row.name) dropEmptyVariables(row.options);
    optionsOf(row.options).forEach((option) => command.addOption(option));
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // commander has printed its line; asking for help is no mistake.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : USAGE;
    }
    throw error;
  }
}

async function perform(
  row: CommandRow,
  config: Config,
  signal: AbortSignal,
): Promise<number> {
  using log = startLog(config.logLevel ?? "info");
  try {
    return await row.run({ config, log, signal });
  } catch (error) {
    log.error(`${row.name} failed`, { error });
    return FAILED;
  }
}
