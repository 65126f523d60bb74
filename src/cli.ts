/**
 * Every command in one table: name, options, what it does.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import deno from "../deno.json" with { type: "json" };
import { abortScope } from "./async/abort_scope.ts";
import { sleep } from "./async/backoff.ts";
import { inBackground } from "./async/background.ts";
import {
  argumentOf,
  askWithoutProxy,
  type Config,
  dropEmptyVariables,
  optionsOf,
  registryNames,
  WITHOUT_PROXY,
} from "./config.ts";
import type { DoctorOptions } from "./doctor/facts.ts";
import { DEFAULT_PATHS } from "./hosts/flavours.ts";
import type { KubeApi } from "./kube/api.ts";
import { listenEarly } from "./listen.ts";
import { describeError, type Log, startLog } from "./log.ts";
import type { ScreenSize } from "./pull/live_lines.ts";
import { surviveUncaught } from "./uncaught.ts";

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
  /** What is given without a flag. */
  readonly argument?: keyof Config;
  readonly options: readonly (keyof Config)[];
  /** Does it; the number is the exit code. */
  readonly run: (context: CommandContext) => Promise<number>;
}

/** Exit codes: 0 done, 1 failed, 2 used wrongly, or doctor found a problem. */
const FAILED = 1;
const USAGE = 2;
const PROBLEMS = 2;

/** What a node is told; doctor looks at a node that is told the same. */
const NODE_OPTIONS = [
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
  "zoneFile",
  "network",
  "secretFile",
  "mirroredRegistries",
  "registryFilters",
  "resolveTags",
  "resolveLatestTag",
  "upstream",
  "fanOut",
  "containerdConfig",
  "kubeletConfig",
  "nodeIp",
  "strict",
  "logLevel",
] as const;

/** All commands. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: "run",
    help: "run the mirror beside this node's containerd, or a folder",
    options: ["store", ...NODE_OPTIONS],
    run,
  },
  {
    name: "configure",
    help: "tell containerd, in its certs.d folder, to ask Peili first",
    options: [
      "containerdRegistryConfigPath",
      "deployment",
      "mirrorTargets",
      "additionalMirrorTargets",
      "loopback",
      "mirroredRegistries",
      "keepExisting",
      "resolveTags",
      "dryRun",
      "print",
      "containerdConfig",
      "apply",
      "lenient",
      "logLevel",
    ],
    run: configure,
  },
  {
    name: "restore",
    help: "take out of containerd's certs.d what configure put there",
    options: [
      "containerdRegistryConfigPath",
      "deployment",
      "dryRun",
      "containerdConfig",
      "apply",
      "lenient",
      "stay",
      "logLevel",
    ],
    run: restore,
  },
  {
    name: "wait",
    help: "wait until a DaemonSet's pods are ready on all their nodes",
    options: ["daemonSet", "timeout", "serviceAccount", "logLevel"],
    run: wait,
  },
  {
    name: "zone",
    help: "ask the cluster for this node's zone, and write it down for run",
    options: ["node", "zone", "zoneFile", "serviceAccount", "logLevel"],
    run: zone,
  },
  {
    name: "doctor",
    help: "say what is wrong on this node, and what mends it",
    options: [...NODE_OPTIONS, "trial", "json"],
    run: doctor,
  },
  {
    name: "pull",
    help: "pull an image into a folder, from a mirror or its registry",
    argument: "image",
    options: ["to", "platform", "mirror"],
    run: pull,
  },
  {
    name: "version",
    help: "print the version",
    options: [],
    run: version,
  },
];

async function run({ config, log, signal }: CommandContext): Promise<number> {
  askWithoutProxy(WITHOUT_PROXY.addresses);
  const mirroredRegistries = registryNames(config.mirroredRegistries);
  // The port first: whoever asks while the rest loads waits inside.
  const mirror = listenEarly("--mirror-addr", config.mirrorAddr);
  // Only this command needs all parts: 22 MiB and 0.1 s with gRPC.
  const { startNode } = await import("./node.ts");
  const zone = config.zone || await zoneWritten(config, log);
  const options = { ...config, mirroredRegistries, zone };
  await using node = await startNode(options, log, mirror);
  using _survives = surviveUncaught({ log, metrics: node.metrics });
  log.info("running", {
    version: deno.version,
    mirror: node.mirrorAddress,
    peer: node.peerAddress,
    metrics: node.metricsAddress,
    ...(zone && { zone }),
  });
  using running = abortScope(signal);
  let code = 0;
  await using _checks = inBackground(async (end) => {
    const well = await isWell(node, { config, log, signal: end });
    if (well || !config.strict) return;
    code = PROBLEMS;
    running.abort();
  });
  await aborted(running.signal);
  log.info("stopping");
  return code;
}

/** The zone as the command `zone` left it. */
async function zoneWritten(
  { zoneFile }: Config,
  log: Log,
): Promise<string> {
  if (zoneFile === "") return "";
  const { readZone } = await import("./zone.ts");
  return await readZone(zoneFile, log);
}

/** Runs doctor's checks after the start, which they must not slow. */
async function isWell(
  node: { ready(): { readonly ready: boolean } },
  { config, log, signal }: CommandContext,
): Promise<boolean> {
  if (config.store.kind !== "containerd") return true;
  for (let ms = 0; ms < READY_WAIT_MS && !signal.aborted; ms += READY_LOOK_MS) {
    if (node.ready().ready) break;
    await sleep(READY_LOOK_MS, signal);
  }
  const { diagnoseAtStart } = await import("./doctor/doctor.ts");
  return await diagnoseAtStart(doctorOptions(config), log, signal);
}

/** Milliseconds between two looks at whether the node is ready. */
const READY_LOOK_MS = 100;

/** Milliseconds after which what keeps a node from being ready is looked for. */
const READY_WAIT_MS = 5_000;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function doctorOptions(config: Config): DoctorOptions {
  const containerdConfig = config.containerdConfig ?? DEFAULT_PATHS.config;
  return { ...config, containerdConfig };
}

async function doctor({ config, signal }: CommandContext): Promise<number> {
  const { diagnose } = await import("./doctor/doctor.ts");
  const { exitCodeOf } = await import("./doctor/check.ts");
  const { reportJson, reportText } = await import("./doctor/report.ts");
  const options = { ...doctorOptions(config), trial: config.trial };
  const results = await diagnose(options, signal);
  const colors = Deno.stdout.isTerminal();
  await print(
    config.json ? reportJson(results) : reportText(results, { colors }),
  );
  return exitCodeOf(results);
}

async function configure({ config, log }: CommandContext): Promise<number> {
  const { configureCommand } = await import("./configure.ts");
  return exitCode(config, await configureCommand(config, { log, print }));
}

async function restore(
  { config, log, signal }: CommandContext,
): Promise<number> {
  const { restoreCommand } = await import("./configure.ts");
  const code = exitCode(config, await restoreCommand(config, { log, print }));
  if (config.stay && code === 0) {
    log.info("staying");
    await aborted(signal);
  }
  return code;
}

/** What was left alone is a failure for a person, and often not for a pod. */
function exitCode({ lenient }: Config, code: number): number {
  return lenient ? 0 : code;
}

/** Opens the API of the cluster whose pod this is. */
async function openApi({ serviceAccount }: Config): Promise<KubeApi> {
  const { kubeApi } = await import("./kube/api.ts");
  return await kubeApi({
    host: Deno.env.get("KUBERNETES_SERVICE_HOST") ?? "",
    port: Deno.env.get("KUBERNETES_SERVICE_PORT") ?? "",
    serviceAccount,
  });
}

async function zone({ config, log, signal }: CommandContext): Promise<number> {
  const { zoneCommand } = await import("./zone.ts");
  await zoneCommand(config, { openApi: () => openApi(config), log, signal });
  return 0;
}

async function wait({ config, log, signal }: CommandContext): Promise<number> {
  const { waitForDaemonSet } = await import("./kube/daemon_set.ts");
  using api = await openApi(config);
  const { daemonSet: name, timeout } = config;
  const timeoutMs = timeout * 1000;
  await waitForDaemonSet({ name, timeoutMs }, { api, log }, signal);
  return 0;
}

async function pull({ config, signal }: CommandContext): Promise<number> {
  const [{ pullImage }, { pullProgress }, { dockerCredentials }] = await Promise
    .all([
      import("./pull/pull.ts"),
      import("./pull/progress.ts"),
      import("./upstream/docker_config.ts"),
    ]);
  askWithoutProxy(WITHOUT_PROXY.thisMachine);
  const { image, platform, to: path } = config;
  const mirror = config.mirror || null;
  try {
    using report = pullProgress({ write: printError, size: errorSize });
    const { digest } = await pullImage({ image, platform, path, mirror }, {
      // Not before a registry asks: that is when the variables must be allowed.
      credentials: async (registry, signal) =>
        await dockerCredentials({ path: dockerConfigPath() })(registry, signal),
      report,
      signal,
    });
    await print(`${image.name} ${digest}\n`);
    return 0;
  } catch (error) {
    const why = signal.aborted
      ? "stopped; the same command goes on from here"
      : describeError(error);
    printError(`error: ${why}\n`);
    return FAILED;
  }
}

/** Where `docker login` and its kin keep credentials. */
function dockerConfigPath(): string {
  const folder = Deno.env.get("DOCKER_CONFIG") ??
    `${Deno.env.get("HOME") ?? ""}/.docker`;
  return `${folder}/config.json`;
}

/** The terminal on stderr; null: it is none. */
function errorSize(): ScreenSize | null {
  return Deno.stderr.isTerminal() ? Deno.consoleSize() : null;
}

function printError(text: string): void {
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
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
      // One line an option, as wide as it is: it can be searched.
      getOutHelpWidth: () => Infinity,
    })
    .exitOverride();
  for (const row of COMMANDS) {
    const command = program.command(row.name).description(row.help)
      .exitOverride()
      // The argument if there is one, the options, the command itself.
      .action(async (...given: readonly unknown[]) => {
        const config = given.at(-2) as Config;
        const argument = row.argument && { [row.argument]: given[0] };
        code = await perform(row, { ...config, ...argument }, signal);
      });
    if (row.argument) command.addArgument(argumentOf(row.argument));
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
