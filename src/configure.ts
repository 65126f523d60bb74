/**
 * The commands `configure` and `restore`: what they write, print and return.
 *
 * @module
 */

import {
  carryOutConfig,
  type ConfigPlan,
  planConfig,
  planConfigRestore,
} from "./hosts/config_plan.ts";
import { configureHosts } from "./hosts/configure.ts";
import { unifiedDiff } from "./hosts/diff.ts";
import { DENO_FILES, type NewFile } from "./hosts/file_operations.ts";
import { HOSTS_FILE } from "./hosts/folder_plan.ts";
import { mirrorHosts } from "./hosts/mirror_hosts.ts";
import {
  deploymentsBelow,
  planHosts,
  rootOf,
  type Wanted,
} from "./hosts/plan.ts";
import { userData } from "./hosts/user_data.ts";
import type { Log } from "./log.ts";

/** What both commands are told. */
export interface RestoreSettings {
  /** Whether containerd's own configuration is changed, and not only shown. */
  readonly apply: boolean;
  /** containerd's own configuration; null: it stays out of it. */
  readonly containerdConfig: string | null;
  /** The folder of `hosts.toml` files. */
  readonly containerdRegistryConfigPath: string;
  /** Whose entries. */
  readonly deployment: string;
  /** Whether changes are printed, and nothing is changed. */
  readonly dryRun: boolean;
}

/** What `configure` is told. */
export interface ConfigureSettings extends RestoreSettings {
  /** Mirrors that are asked after Peili. */
  readonly additionalMirrorTargets: readonly string[];
  /** Whether folders of registries stay as they are beside `_default`. */
  readonly keepExisting: boolean;
  /** Whether targets may be loopback. */
  readonly loopback: boolean;
  /** Where Peili is. */
  readonly mirrorTargets: readonly string[];
  /** Registries to mirror; none for all. */
  readonly mirroredRegistries: readonly string[];
  /** Whether user data is printed, and nothing is changed. */
  readonly print: boolean;
  /** Whether Peili is asked for tags, too. */
  readonly resolveTags: boolean;
}

/** Where a command says what it does. */
export interface CommandOutput {
  /** For what happened. */
  readonly log: Log;
  /** For what was asked for: stdout. */
  readonly print: (text: string) => Promise<void>;
}

/** Exit codes: 0 all is as wanted, 1 something was left alone. */
const LEFT_ALONE = 1;

/**
 * Makes containerd ask Peili first.
 *
 * @returns The exit code
 */
export async function configureCommand(
  settings: ConfigureSettings,
  output: CommandOutput,
): Promise<number> {
  const { containerdRegistryConfigPath: configPath, deployment } = settings;
  const hosts = mirrorHosts({
    ...settings,
    registries: settings.mirroredRegistries,
    additionalTargets: settings.additionalMirrorTargets,
    placeholder: settings.print,
  });
  if (settings.print) {
    const path = rootOf(configPath);
    await output.print(userData({ configPath: path, deployment, hosts }));
    return 0;
  }
  const { keepExisting } = settings;
  const left = await changeHosts(
    settings,
    { deployment, hosts, keepExisting },
    output,
  );
  const { containerdConfig } = settings;
  if (containerdConfig === null) return left;
  const plan = await planConfig(
    containerdConfig,
    rootOf(configPath),
    DENO_FILES,
  );
  return Math.max(left, await changeConfig([plan], settings, output));
}

/**
 * Takes out what this deployment has put in.
 *
 * @returns The exit code
 */
export async function restoreCommand(
  settings: RestoreSettings,
  output: CommandOutput,
): Promise<number> {
  const { deployment, containerdConfig } = settings;
  const wanted = { deployment, hosts: [], keepExisting: true };
  const left = await changeHosts(settings, wanted, output);
  if (containerdConfig === null) return left;
  const root = rootOf(settings.containerdRegistryConfigPath);
  const others = await deploymentsBelow(root, DENO_FILES);
  others.delete(deployment);
  if (others.size > 0) {
    // Without it, containerd would read their hosts.toml no more either.
    output.log.info("containerd's configuration", {
      kind: "unchanged",
      path: containerdConfig,
      neededBy: [...others].join(","),
    });
    return left;
  }
  const plans = await planConfigRestore(containerdConfig, DENO_FILES);
  return Math.max(left, await changeConfig(plans, settings, output));
}

async function changeHosts(
  settings: RestoreSettings,
  wanted: Wanted,
  { log, print }: CommandOutput,
): Promise<number> {
  const { containerdRegistryConfigPath: configPath, dryRun } = settings;
  if (!dryRun) {
    const outcomes = await configureHosts(configPath, wanted, { log });
    const left = outcomes.some(({ kind }) => kind === "left-alone");
    return left ? LEFT_ALONE : 0;
  }
  let code = 0;
  const root = rootOf(configPath);
  for await (const plan of planHosts(root, wanted, DENO_FILES)) {
    if (plan.kind === "left-alone") {
      log.warn("hosts.toml", { ...plan });
      code = LEFT_ALONE;
    } else if (plan.kind !== "unchanged") {
      const path = `${root}/${plan.folder}/${HOSTS_FILE}`;
      const after = plan.kind === "write" ? plan.after : null;
      await print(await diffOf(path, plan.before, after));
    }
  }
  return code;
}

/** containerd's own configuration is shown first and changed when asked to. */
async function changeConfig(
  plans: readonly ConfigPlan[],
  { apply, dryRun }: RestoreSettings,
  { log, print }: CommandOutput,
): Promise<number> {
  let code = 0;
  for (const plan of plans) {
    const { kind, path } = plan;
    if (kind === "unchanged") {
      log.info("containerd's configuration", { kind, path });
    } else if (kind === "left-alone") {
      log.warn("containerd's configuration", { kind, path, why: plan.why });
      await print(plan.lines && `# To be put into ${path}:\n${plan.lines}`);
      code = LEFT_ALONE;
    } else if (apply && !dryRun) {
      await carryOutConfig(plan, DENO_FILES);
      const todo = "restart containerd: it reads this only when it starts";
      log.warn("containerd's configuration", { kind: "written", path, todo });
    } else {
      await print(await diffOf(path, plan.before, plan.after));
      const todo = "--apply makes this change; containerd needs a restart then";
      log.info("containerd's configuration", { kind: "proposed", path, todo });
    }
  }
  return code;
}

async function diffOf(
  path: string,
  before: NewFile | null,
  after: NewFile | null,
): Promise<string> {
  const text = (file: NewFile | null) =>
    file && new TextDecoder().decode(file.bytes);
  return await unifiedDiff({ path, before: text(before), after: text(after) });
}
