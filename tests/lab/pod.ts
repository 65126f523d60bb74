/** Runs pods as kubelet does: over CRI. @module */
import { join } from "node:path/posix";
import { call, type Message } from "./cri.ts";
import { withoutCriPrefix } from "./cri_log.ts";
import type { Node } from "./node.ts";
import { identify, type Usage, usageOf } from "./process.ts";
import { tailOf, waitFor } from "./wait.ts";

/** One container of a pod, in Kubernetes' words. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** In place of the image's entry point. */
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user: number;
  readonly group: number;
  readonly mounts: readonly PodMount[];
  /** Memory that the container may have, in bytes. */
  readonly memoryBytes?: number;
}

/** A folder of the node, in a container. */
export interface PodMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readonly: boolean;
  /** Whether what the node mounts and unmounts below it is seen, too. */
  readonly follows?: boolean;
}

/** How a container does. */
export interface ContainerState {
  readonly running: boolean;
  readonly exitCode: number;
  readonly reason: string;
  /** Of the running process; 0 when there is none. */
  readonly pid: number;
  /** When it was started, in ms since 1970. */
  readonly startedMs: number;
}

/** What a call may take that starts or ends processes. */
const CALL_MS = 60_000;

/** How long an init container may take. */
const INIT_MS = 60_000;

/** How long a container may take to end once asked. */
const GRACE_SECONDS = 10;

/** Of CRI's enumerations. */
const NETWORK_OF_NODE = 2;
const RUNTIME_DEFAULT = 0;
const FROM_THE_NODE = 1;
const EXITED = 2;
const RUNNING = 1;

/** The sandbox of a pod with the node's network, as CRI's PodSandboxConfig. */
export function sandboxOnNode(node: Node, name: string): Message {
  return {
    metadata: {
      name,
      uid: crypto.randomUUID(),
      namespace: "peili",
      attempt: 0,
    },
    logDirectory: node.path,
    linux: {
      cgroupParent: groupOf(node),
      securityContext: { namespaceOptions: { network: NETWORK_OF_NODE } },
    },
  };
}

/** The control group of a node's pods: the lab finds it, however it ends. */
export function groupOf({ namespace }: Node): string {
  return `/${namespace}`;
}

/** A pod. Disposing of it stops and removes it. */
export class Pod implements AsyncDisposable {
  readonly #node: Node;
  readonly #config: Message;
  readonly #containers = new Map<string, string>();
  #sandbox = "";

  private constructor(node: Node, config: Message) {
    this.#node = node;
    this.#config = config;
  }

  /**
   * Starts a pod without containers.
   *
   * @param config CRI's PodSandboxConfig
   */
  static async start(node: Node, config: Message): Promise<Pod> {
    const pod = new Pod(node, config);
    const answer = await pod.#call("RunPodSandbox", { config });
    pod.#sandbox = answer.podSandboxId;
    return pod;
  }

  /** Its address; empty where it has the node's. */
  async ip(): Promise<string> {
    const podSandboxId = this.#sandbox;
    const { status } = await this.#call("PodSandboxStatus", { podSandboxId });
    return status.network?.ip ?? "";
  }

  /** Where the log of a container is, in CRI's format. */
  logOf(container: string): string {
    return join(this.#config.logDirectory, `${container}.log`);
  }

  /** What a container has printed, its lines only. */
  async textOf(container: string): Promise<string> {
    const text = await Deno.readTextFile(this.logOf(container));
    return text.split("\n").map(withoutCriPrefix).join("\n");
  }

  /**
   * Starts a container.
   *
   * @param config CRI's ContainerConfig
   */
  async run(config: Message): Promise<void> {
    const { containerId } = await this.#call("CreateContainer", {
      podSandboxId: this.#sandbox,
      config,
      sandboxConfig: this.#config,
    });
    this.#containers.set(config.metadata.name, containerId);
    await this.#call("StartContainer", { containerId });
  }

  /**
   * Runs a container to its end, as kubelet runs an init container.
   *
   * @throws {Error} when its exit code is not 0; the message has its log.
   */
  async init(config: Message): Promise<void> {
    await this.run(config);
    const { name } = config.metadata;
    const log = this.logOf(name);
    await waitFor(`the container ${name} to end`, async () => {
      return !(await this.state(name)).running;
    }, { budgetMs: INIT_MS, log });
    const { exitCode, reason } = await this.state(name);
    if (exitCode === 0) return;
    const tail = await tailOf(log);
    throw new Error(`${name} ended with ${exitCode} ${reason}\n${tail}`);
  }

  /** How a container does. */
  async state(container: string): Promise<ContainerState> {
    const { status, info } = await this.#call("ContainerStatus", {
      containerId: this.#containers.get(container),
      verbose: true,
    });
    return {
      running: status.state !== EXITED,
      exitCode: status.exitCode,
      reason: status.reason,
      startedMs: Number(status.startedAt) / 1e6,
      pid: status.state === RUNNING ? JSON.parse(info.info).pid : 0,
    };
  }

  /** What a container's process uses; null when it does not run. */
  async usage(container: string): Promise<Usage | null> {
    const id = identify((await this.state(container)).pid);
    return id && usageOf(id);
  }

  /** Ends a container in order and gives its exit code. */
  async stop(container: string): Promise<number> {
    const containerId = this.#containers.get(container);
    await this.#call("StopContainer", { containerId, timeout: GRACE_SECONDS });
    return (await this.state(container)).exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const podSandboxId = this.#sandbox;
    await this.#call("StopPodSandbox", { podSandboxId });
    await this.#call("RemovePodSandbox", { podSandboxId });
  }

  async #call(method: string, request: Message): Promise<Message> {
    const { socket } = this.#node.containerd;
    return await call(socket, ["RuntimeService", method], request, CALL_MS);
  }
}

/**
 * A container on the node's network, as CRI's ContainerConfig: as restricted as
 * Pod Security's level "restricted", but for the user.
 */
export function restricted(spec: ContainerSpec): Message {
  const { name, image, command, args, env = {}, mounts, memoryBytes } = spec;
  return {
    metadata: { name, attempt: 0 },
    image: { image },
    ...(command && { command }),
    args,
    envs: Object.entries(env).map(([key, value]) => ({ key, value })),
    mounts: mounts.map(({ follows = false, ...mount }) => ({
      ...mount,
      propagation: follows ? FROM_THE_NODE : 0,
    })),
    logPath: `${name}.log`,
    linux: {
      ...(memoryBytes && { resources: { memoryLimitInBytes: memoryBytes } }),
      securityContext: {
        capabilities: { dropCapabilities: ["ALL"] },
        namespaceOptions: { network: NETWORK_OF_NODE },
        runAsUser: { value: spec.user },
        runAsGroup: { value: spec.group },
        seccomp: { profileType: RUNTIME_DEFAULT },
        readonlyRootfs: true,
        noNewPrivs: true,
      },
    },
  };
}
