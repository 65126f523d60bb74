/**
 * The fixes that several checks give.
 *
 * @module
 */

import { DEFAULT_PATHS, type Flavour } from "../hosts/flavours.ts";
import type { Facts } from "./facts.ts";
import { type Fix, option, quote, run, tell } from "./fix.ts";
import { isLoopback } from "./mirrors.ts";

/** Lets `configure` write what containerd must be told of Peili. */
export async function configureHosts(facts: Facts): Promise<Fix> {
  return [run(await configureCommand(facts))];
}

/** Lets `configure` set containerd's `config_path`, where a person may. */
export async function configureContainerd(facts: Facts): Promise<Fix> {
  const { containerdConfig, containerdRegistryConfigPath } = facts.options;
  const command = await configureCommand(facts, [
    `--containerd-config=${quote(containerdConfig)}`,
    "--apply",
  ]);
  return await changed(facts, {
    commands: [command],
    setting: `config_path = ${JSON.stringify(containerdRegistryConfigPath)}`,
  });
}

/** The name of a deployment unless told. */
const DEPLOYMENT = "peili";

async function configureCommand(
  facts: Facts,
  more: readonly string[] = [],
): Promise<string> {
  const { containerdRegistryConfigPath: path, resolveTags } = facts.options;
  const { target } = await facts.mirrors();
  const folders = await facts.folders();
  const [deployment = DEPLOYMENT] = folders.flatMap((one) => one.deployments);
  return [
    "peili configure",
    `--mirror-targets=${quote(target)}`,
    ...(isLoopback(URL.parse(target)?.hostname ?? "") ? ["--loopback"] : []),
    ...(path === DEFAULT_PATHS.hosts
      ? []
      : [`--containerd-registry-config-path=${quote(path)}`]),
    ...(deployment === DEPLOYMENT ? [] : [`--deployment=${quote(deployment)}`]),
    ...(resolveTags ? [] : ["--resolve-tags=false"]),
    ...more,
  ].join(" ");
}

/**
 * Sets a key in the file that sets it now.
 *
 * @param file Null: containerd's default, which no file sets
 */
export async function setInContainerd(
  facts: Facts,
  file: string | null,
  [key, value]: readonly [key: string, value: string],
): Promise<Fix> {
  return await changed(facts, {
    commands: file
      ? [`sed -i 's/^\\( *${key} *= *\\).*/\\1${value}/' ${quote(file)}`]
      : [],
    setting: `${key} = ${value}`,
  });
}

/** Starts containerd again. */
export async function restartContainerd(facts: Facts): Promise<Fix> {
  return [run(restartOf(await facts.flavour()))];
}

/** Where containerd's files are made from something else, that must change. */
const GENERATED = new Set(["k3s", "RKE2", "k0s", "Talos", "Bottlerocket"]);

/** Where nodes come and go, and take changes with them. */
const MANAGED = new Set(["EKS", "AKS", "GKE", "Kind"]);

async function changed(
  facts: Facts,
  { commands, setting }: { commands: readonly string[]; setting: string },
): Promise<Fix> {
  const flavour = await facts.flavour();
  const name = flavour?.name ?? "";
  const restart = run(restartOf(flavour));
  const change = `${name}: set ${setting} by ${flavour?.change}`;
  if (GENERATED.has(name)) return [tell(change), restart];
  if (commands.length === 0) {
    const { containerdConfig } = facts.options;
    return [tell(`set ${setting} in ${containerdConfig}`), restart];
  }
  const now = [...commands.map(run), restart];
  return MANAGED.has(name)
    ? [...now, tell(`for nodes to come, on ${change}`)]
    : now;
}

function restartOf(flavour: Flavour | null): string {
  switch (flavour?.name) {
    case "k3s":
      return "systemctl restart k3s || systemctl restart k3s-agent";
    case "RKE2":
      return "systemctl restart rke2-server || systemctl restart rke2-agent";
    case "k0s":
      return "systemctl restart k0scontroller || systemctl restart k0sworker";
    case "Talos":
    case "Bottlerocket":
      return "reboot";
    default:
      return "systemctl restart containerd";
  }
}

/** Lets a person compare what all nodes must have alike. */
export function sameSecret({ options: { network, secretFile } }: Facts): Fix {
  const file = secretFile || "the file of --secret-file";
  return [
    tell(`on every node: --network=${network}, and ${file} with one content`),
    ...(secretFile === "" ? [] : [run(`sha256sum ${quote(secretFile)}`)]),
    run("date -u"),
  ];
}

/** Lets a person find who drops what is sent to a port of another node. */
export function letThrough(host: string, port: number): Fix {
  return [
    run(`nc -vz -w 3 ${host} ${port}`),
    tell(
      `let TCP port ${port} through between all nodes: a NetworkPolicy (kubectl get networkpolicy -A), a security group or a firewall (nft list ruleset) drops it, or the node is gone`,
    ),
  ];
}

/** Sets the clock. */
export const SET_CLOCK: Fix = [
  run("chronyc makestep || systemctl restart systemd-timesyncd"),
];

/** What Peili must be told to look where containerd is. */
export async function tellPeili(facts: Facts): Promise<Fix> {
  const { options } = facts;
  const root = await contentRoot(facts);
  return [
    option("--containerd-sock", options.containerdSock),
    option("--containerd-namespace", options.containerdNamespace),
    option(
      "--containerd-content-path",
      root ?? options.containerdContentPath,
    ),
  ];
}

/** containerd's own word where its content is; null: it does not tell. */
export async function contentRoot(facts: Facts): Promise<string | null> {
  const plugins = await facts.plugins();
  const content = plugins.find(({ type, id }) =>
    type === "io.containerd.content.v1" && id === "content"
  );
  return content?.exports.root ?? null;
}
