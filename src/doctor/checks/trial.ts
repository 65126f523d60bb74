/**
 * A trial: an image of this node's own goes the way of all images. containerd
 * asks for it as kubelet makes it ask, and other nodes get it from here.
 *
 * @module
 */

import { backoff, sleep } from "../../async/backoff.ts";
import type { OwnImages } from "../../containerd/own_image.ts";
import { DEFAULT_FOLDER, registryOf } from "../../hosts/folders.ts";
import { formatAddress } from "../../listen.ts";
import {
  type Check,
  type Finding,
  ok,
  problem,
  skipped,
  warning,
} from "../check.ts";
import type { Facts } from "../facts.ts";
import { type Fix, run } from "../fix.ts";
import { type Mirrors, reachable } from "../mirrors.ts";
import { configureContainerd, configureHosts, tellPeili } from "../remedies.ts";
import {
  TRIAL_REPOSITORY,
  type TrialImage,
  trialImage,
} from "../trial_image.ts";
import { type Asked, pullTrial } from "../trial_pull.ts";

/**
 * Nobody has this name (RFC 2606), so that only a mirror can have its images.
 * Its lookup fails at once where a resolver answers at all.
 */
const NOBODY = "peili-doctor.invalid";

/** Milliseconds for all of it; a healthy node needs some 200. */
const TRIAL_MS = 12_000;

/** Milliseconds for Peili to give what containerd has. */
const SERVED_MS = 3_000;

/** Milliseconds for containerd's own pull. */
const PULL_MS = 5_000;

/** Milliseconds for removing it again. */
const REMOVE_MS = 4_000;

/** Milliseconds after which containerd forgets what nobody has removed. */
const EXPIRE_MS = 60_000;

/** Peers that are asked; one would do, and some may be busy or away. */
const MAX_PEERS = 3;

/** Where images are made; opened when the trial begins. */
export type OpenImages = () => OwnImages;

/** Makes a trial. */
export function trial(facts: Facts, open: OpenImages): Check {
  return {
    name: "trial",
    budgetMs: TRIAL_MS,
    async run(signal) {
      const mirrors = await facts.mirrors();
      if (!mirrors.answers) return [skipped("Peili does not answer here")];
      const registry = await registryFor(facts, mirrors);
      if (!registry) return [skipped("no hosts.toml names Peili")];
      using images = open();
      const image = trialImage(registry, crypto.randomUUID().slice(0, 8));
      await removeTrials(images, registry);
      try {
        await images.make(image.name, image.contents, {
          expires: new Date(Date.now() + EXPIRE_MS),
          signal,
        });
        return [await tryOut({ facts, mirrors, images, image, signal })];
      } finally {
        await removeTrials(images, registry);
      }
    },
  };
}

/** Removes this trial, and those that were killed before they came to this. */
async function removeTrials(
  images: OwnImages,
  registry: string,
): Promise<void> {
  // Not the check's signal: this is for when that has aborted, too.
  const end = AbortSignal.timeout(REMOVE_MS);
  await images.remove(`${registry}/${TRIAL_REPOSITORY}:`, end);
}

/** In whose name Peili is asked: a registry that hosts.toml sends to it. */
async function registryFor(
  facts: Facts,
  { ownHosts }: Mirrors,
): Promise<string | null> {
  const names = (await facts.folders())
    .filter((folder) => ownHosts(folder).length > 0)
    .map(({ name }) => name);
  if (names.includes(DEFAULT_FOLDER)) return NOBODY;
  return registryOf(names[0] ?? "");
}

interface Trial {
  readonly facts: Facts;
  readonly mirrors: Mirrors;
  readonly images: OwnImages;
  readonly image: TrialImage;
  readonly signal: AbortSignal;
}

async function tryOut(trial: Trial): Promise<Finding> {
  const { facts, mirrors: { target } } = trial;
  const served = await untilServed(trial, target);
  if (served.kind !== "got") {
    const saw = `Peili at ${target} does not give an image that containerd has`;
    return problem(`${saw}: ${served.why}`, await tellPeili(facts));
  }
  const pulled = await pulledByContainerd(trial);
  if (typeof pulled === "string") {
    const saw = `containerd does not ask Peili for images: ${pulled}`;
    return problem(saw, await throughMirror(facts));
  }
  const through = await throughPeers(trial);
  if (through?.kind === "refused") {
    const { address, why } = through;
    // It may not have noticed yet that this node is there.
    const saw = `${address} does not get this node's image: ${why}`;
    return warning(saw, [
      run(`curl -sS http://${address}/readyz`),
      run("peili doctor"),
    ]);
  }
  const here = pulled === null
    ? `Peili gave this node's image in ${served.ms} ms`
    : `containerd pulled this node's image through Peili in ${pulled} ms`;
  const there = through
    ? `, ${through.address} got it from here in ${through.ms} ms`
    : "; no peer could be asked to";
  return ok(here + there);
}

async function throughMirror(facts: Facts): Promise<Fix> {
  return [...await configureHosts(facts), ...await configureContainerd(facts)];
}

/** Peili may have to look at containerd's list first. */
async function untilServed(
  { facts: { fetcher }, image, signal }: Trial,
  base: string,
): Promise<Asked> {
  const end = performance.now() + SERVED_MS;
  const delays = backoff({ initialMs: 20, maxMs: 200 });
  while (true) {
    const asked = await pullTrial(base, image, { fetcher, signal });
    if (asked.kind !== "refused" || performance.now() > end) return asked;
    await sleep(delays.next(), signal);
  }
}

/** Milliseconds that it took; null without CRI; else containerd's words. */
async function pulledByContainerd(
  { facts, images, image, signal }: Trial,
): Promise<number | string | null> {
  const plugins = await facts.plugins();
  if (!plugins.some(({ id, failure }) => id === "cri" && !failure)) return null;
  const start = performance.now();
  try {
    await images.pull(image.name, { budgetMs: PULL_MS, signal });
    return Math.round(performance.now() - start);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type ThroughPeer =
  | { kind: "got"; address: string; ms: number }
  | { kind: "refused"; address: string; why: string };

/** Whoever asks a peer's mirror gets from there what this node has. */
async function throughPeers(trial: Trial): Promise<ThroughPeer | null> {
  const { facts, facts: { options }, mirrors } = trial;
  const own = await facts.who(formatAddress(reachable(options.peerAddr)));
  const ports = new Set([
    Number(URL.parse(mirrors.target)?.port),
    options.mirrorAddr.port,
  ]);
  const peers = await facts.peers();
  const asked = peers.slice(0, MAX_PEERS + 1)
    .map(async (peer): Promise<ThroughPeer | null> => {
      const who = await facts.who(peer);
      const isSelf = who.kind === "peer" && own.kind === "peer" &&
        who.id === own.id;
      if (who.kind !== "peer" || isSelf) return null;
      for (const port of ports) {
        const address = peer.replace(/:\d+$/, `:${port}`);
        const answer = await untilServed(trial, `http://${address}`);
        if (answer.kind !== "nobody") return { ...answer, address };
      }
      return null;
    });
  const answers = (await Promise.all(asked)).filter((one) => one !== null);
  return answers.find(({ kind }) => kind === "refused") ?? answers[0] ?? null;
}
