/** What a benchmark is to measure, and how it is said on the command line. @module */
import { Command, InvalidArgumentError, Option } from "commander";
import { type ImageName, IMAGES } from "../lab/image_catalogue.ts";
import {
  CONTAINERD_VERSIONS,
  type ContainerdVersion,
} from "../lab/versions.ts";
import { type ScenarioName, SCENARIOS } from "./scenarios.ts";

/** How Peilis can find each other: a list of all, or libp2p told of all. */
const ROUTERS = ["static", "libp2p"] as const;

/** The names of the routers. */
export type RouterName = typeof ROUTERS[number];

/** One benchmark. */
export interface Plan {
  scenario: ScenarioName;
  nodes: number;
  image: ImageName;
  /** What the registry sends at most, in Mbit/s; 0 is no limit. */
  registryMbit: number;
  /** What every node sends and receives at most, in Mbit/s; 0 is no limit. */
  nodeMbit: number;
  /** What one node sends and receives at most, in Mbit/s; absent: as the others. */
  slowNode?: number;
  /** Which node that is. */
  slowNumber: number;
  /** Between the starts of two nodes' pulls in a cold start, in ms. */
  stagger: number;
  /** In a boot, pulls begin when their mirror's port is open; absent: when it is started. */
  whenListening?: boolean;
  /** "none", "peili", or a shell command that is a mirror. */
  mirrors: string[];
  /** How Peilis find each other; each has a row of its own. */
  routers: RouterName[];
  containerd: ContainerdVersion[];
  repeat: number;
  /** Another image that all nodes pull before the clock starts. */
  warm?: ImageName;
  /** Measure one node alone, without a mirror, too. */
  withOne: boolean;
  json: boolean;
  /** More flags for Peili, by name. */
  peiliFlags: Record<string, string>;
  /** File for a picture of every node's progress. */
  svg?: string;
  /** Folder to copy the logs of mirrors to. */
  logs?: string;
}

/** Says what is wrong with a value, as commander wants it said. */
function invalid(what: string): never {
  throw new InvalidArgumentError(what);
}

function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : invalid("Not a whole number.");
}

function count(text: string): number {
  return wholeNumber(text) || invalid("Not a count of at least 1.");
}

function versions(text: string): ContainerdVersion[] {
  return text.split(",").map((name) =>
    CONTAINERD_VERSIONS.find((version) => version === name) ??
      invalid(`Known are ${CONTAINERD_VERSIONS.join(", ")}.`)
  );
}

function routers(text: string): RouterName[] {
  return text.split(",").map((name) =>
    ROUTERS.find((router) => router === name) ??
      invalid(`Known are ${ROUTERS.join(", ")}.`)
  );
}

function mirrorList(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function flagMap(
  text: string,
  before: Record<string, string> = {},
): Record<string, string> {
  const [name = "", ...value] = text.split("=");
  return { ...before, [name]: value.join("=") };
}

/** The command line, one row per option. */
function command(): Command {
  const scenario = new Command().createArgument("<scenario>", "who pulls when")
    .choices(Object.keys(SCENARIOS));
  const image = new Option("--image <name>", "what to pull")
    .choices(Object.keys(IMAGES)).default("b100x4");
  return new Command("bench")
    .description("Pulls one image on all nodes of a lab of real containerds.")
    .addArgument(scenario)
    .option("--nodes <n>", "how many nodes", count, 5)
    .addOption(image)
    .option(
      "--registry-mbit <m>",
      "rate of the registry, 0: none",
      wholeNumber,
      400,
    )
    .option("--node-mbit <m>", "rate of each node, 0: none", wholeNumber, 1000)
    .option("--slow-node <m>", "rate of one node", count)
    .option("--slow-number <n>", "which; with --stagger 1 leads", count, 2)
    .option(
      "--stagger <ms>",
      "cold only: ms from one node's start to the next",
      wholeNumber,
      0,
    )
    .option(
      "--when-listening",
      "boot only: a node's pull begins when its mirror's port is open, ready or not",
    )
    .option(
      "--mirror <which>",
      "none, peili or a shell command; may be repeated (default: none and peili)",
      mirrorList,
    )
    .option(
      "--router <name,...>",
      "how Peilis find each other, static or libp2p; a row for each",
      routers,
      ["static"],
    )
    .option("--containerd <v,...>", "versions in turn", versions, ["2.1"])
    .addOption(
      new Option(
        "--warm <name>",
        "before the clock starts all nodes pull this too, as nodes that run for a while have",
      ).choices(Object.keys(IMAGES)),
    )
    .option("--repeat <r>", "runs of each; shows the median", count, 1)
    .option("--with-one", "measure one node alone without a mirror too")
    .option("--json", "print JSON")
    .option(
      "--peili-flag <name=value>",
      "a flag for Peili; may be repeated",
      flagMap,
      {},
    )
    .option("--svg <file>", "draw what each node received by when")
    .option("--logs <folder>", "copy the logs of the mirrors there");
}

/** Reads a command line; prints help and ends the process when it is wrong. */
export function parsePlan(args: readonly string[]): Plan {
  const parsed = command().parse([...args], { from: "user" });
  const { mirror, router, peiliFlag, ...options } = parsed.opts();
  return {
    scenario: parsed.args[0],
    mirrors: mirror ?? ["none", "peili"],
    routers: router,
    peiliFlags: peiliFlag,
    withOne: false,
    json: false,
    ...options,
  } as Plan;
}
