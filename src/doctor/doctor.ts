/**
 * The doctor: every check, and what they look with.
 *
 * @module
 */

import { containerdInspector } from "../containerd/inspect.ts";
import { ownImages } from "../containerd/own_image.ts";
import { type Log, NO_LOG } from "../log.ts";
import { askPeers } from "../proof/ask_peers.ts";
import { type Deployment, deployment } from "../proof/deployment.ts";
import { readSecretKeys } from "../proof/secret.ts";
import type { PeerFetch } from "../routing/peer_fetch.ts";
import { type Check, type CheckResult, runChecks } from "./check.ts";
import { BOOTSTRAP, bootstrap } from "./checks/bootstrap.ts";
import { clock } from "./checks/clock.ts";
import { configPath } from "./checks/config_path.ts";
import { contentPath } from "./checks/content_path.ts";
import { contentSharing } from "./checks/content_sharing.ts";
import { cri } from "./checks/cri.ts";
import { dialTimeout } from "./checks/dial_timeout.ts";
import { discard } from "./checks/discard.ts";
import { hostsToml } from "./checks/hosts_toml.ts";
import { kubeletGc } from "./checks/kubelet_gc.ts";
import { mirrorAnswers } from "./checks/mirror_answers.ts";
import { mirrorHost } from "./checks/mirror_host.ts";
import { names } from "./checks/names.ts";
import { namespace } from "./checks/namespace.ts";
import { nodeIp } from "./checks/node_ip.ts";
import { PEERS, peers } from "./checks/peers.ts";
import { ports } from "./checks/ports.ts";
import { pullMode } from "./checks/pull_mode.ts";
import { registryAccess } from "./checks/registry_access.ts";
import { restart } from "./checks/restart.ts";
import { ROUTERS, routers } from "./checks/routers.ts";
import { secret } from "./checks/secret.ts";
import { server } from "./checks/server.ts";
import { shadowed } from "./checks/shadowed.ts";
import { snapshotter } from "./checks/snapshotter.ts";
import { socket } from "./checks/socket.ts";
import { type OpenImages, trial } from "./checks/trial.ts";
import { type DoctorOptions, type Facts, nodeFacts } from "./facts.ts";
import { fixLines } from "./fix.ts";
import { isLoopback } from "./mirrors.ts";
import { findRouters } from "./neighbours.ts";

/** In the order of the report: from containerd to the other nodes. */
const CHECKS: readonly ((facts: Facts) => Check)[] = [
  socket,
  cri,
  namespace,
  contentPath,
  configPath,
  restart,
  hostsToml,
  mirrorHost,
  nodeIp,
  mirrorAnswers,
  shadowed,
  server,
  registryAccess,
  dialTimeout,
  discard,
  pullMode,
  contentSharing,
  snapshotter,
  ports,
  secret,
  clock,
  names,
  bootstrap,
  routers,
  peers,
  kubeletGc,
];

/** What is done beside looking. */
export interface DiagnoseOptions extends DoctorOptions {
  /** Whether a trial is made, the only check that changes something. */
  readonly trial: boolean;
}

/**
 * Runs every check on this node.
 *
 * @param options What doctor is told
 * @param signal Ends it early
 * @returns One result a check; it never rejects for what it finds
 */
export async function diagnose(
  options: DiagnoseOptions,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const { containerdSock, containerdNamespace } = options;
  const place = { socket: containerdSock, namespace: containerdNamespace };
  using containerd = containerdInspector(place);
  const facts = nodeFacts(options, {
    containerd,
    fetcher: fetch,
    openPeers: () => openPeers(options),
    addresses: ownAddresses,
    findRouters,
    askRouters: async (multiaddrs, signal) => {
      const { swarmKey } = await deploymentOf(options);
      const prefix = `/peili/${options.network}`;
      const { askRouters } = await import("../routing/libp2p/ask_routers.ts");
      return await askRouters(multiaddrs, { prefix, swarmKey }, signal);
    },
  }, signal);
  const open: OpenImages = () => ownImages(place);
  const checks = CHECKS.map((check) => check(facts));
  if (options.trial) checks.push(trial(facts, open));
  return await runChecks(checks, signal);
}

/** Checks of other nodes. */
const OTHERS: ReadonlySet<string> = new Set([
  BOOTSTRAP,
  PEERS,
  ROUTERS,
]);

/** Strangers are what a check tells of, so nothing need log them. */
async function openPeers(options: DoctorOptions): Promise<PeerFetch> {
  return askPeers(await deploymentOf(options), { log: NO_LOG });
}

async function deploymentOf(
  { network, secretFile }: DoctorOptions,
): Promise<Deployment> {
  const keys = secretFile === ""
    ? null
    : await readSecretKeys(secretFile, network);
  return deployment({ network, keys });
}

/** Interfaces for containers: no other node reaches their addresses. */
const VIRTUAL = /^(?:docker|br-|cni|cbr|flannel|cali|cilium|lxc|veth|kube-)/;

/** Addresses that others can reach; those of a single link need its name, too. */
function ownAddresses(): string[] {
  const all = Deno.networkInterfaces().filter(({ address }) =>
    !isLoopback(address) && !address.toLowerCase().startsWith("fe80:")
  );
  const isVirtual = ({ name }: Deno.NetworkInterfaceInfo) => VIRTUAL.test(name);
  return all.toSorted((a, b) => Number(isVirtual(a)) - Number(isVirtual(b)))
    .map(({ address }) => address);
}

/**
 * Runs the checks of a node that starts, and logs what is wrong.
 *
 * @returns False when there is a problem
 */
export async function diagnoseAtStart(
  options: DoctorOptions,
  log: Log,
  signal: AbortSignal,
): Promise<boolean> {
  // Every node of a cluster may start now: no trial.
  const results = await diagnose({ ...options, trial: false }, signal);
  if (signal.aborted) return true;
  let well = true;
  for (const { check, findings } of results) {
    for (const { verdict, saw, fix = [] } of findings) {
      const fields = { check, saw, fix: fixLines(fix) };
      // Other nodes may be starting, too, and are no fault of this one.
      const isProblem = verdict === "problem" && !OTHERS.has(check);
      if (isProblem) log.error("doctor: problem", fields);
      else if (fix.length > 0) log.warn("doctor: warning", fields);
      well &&= !isProblem;
    }
  }
  return well;
}
