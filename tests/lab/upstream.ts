/** The lab's real registry, on a host of its own. @module */
import { join } from "node:path/posix";
import { type Daemon, startDaemon } from "./daemon.ts";
import type { LabFolder } from "./folder.ts";
import { Host } from "./host.ts";
import { blobPath, type ImageInfo } from "./images.ts";
import type { Descriptor } from "./oci_layout.ts";
import { addressOf } from "./network.ts";

const PORT = 5000;

/** How long the registry may take to answer. */
const START_MS = 10_000;

/** A request that the registry has answered, from its access log. */
export interface RegistryRequest {
  method: string;
  uri: string;
  status: number;
  /** Bytes of the body. */
  bytes: number;
  /** Who asked. */
  ip: string;
}

/** The real registry that nodes pull from when no mirror has it. */
export class Upstream extends Host {
  /** ADDRESS:PORT, the first part of the name of every image in it. */
  readonly registry: string;
  readonly url: string;
  readonly log: string;
  readonly #pushed = new Map<string, Promise<void>>();
  #daemon: Daemon | null = null;

  constructor(folder: LabFolder) {
    super(folder, "upstream", addressOf(folder.state.net, 2));
    this.registry = `${this.ip}:${PORT}`;
    this.url = `http://${this.registry}`;
    this.log = join(folder.path, "upstream/registry.log");
  }

  /** The running registry's process. */
  get pid(): number {
    if (!this.#daemon) throw new Error("Cannot use the registry: not started");
    return this.#daemon.pid;
  }

  /** Starts the registry on the data that it has. */
  async start(): Promise<void> {
    const folder = join(this.folder.path, "upstream");
    const { namespace, log } = this;
    await Deno.mkdir(join(folder, "data"), { recursive: true });
    const config = join(folder, "config.json");
    await Deno.writeTextFile(config, registryConfig(join(folder, "data")));
    const argv = ["docker-registry", "serve", config];
    const spec = { name: "the registry", argv, log, namespace };
    this.#daemon = await startDaemon(this.folder, spec);
    await this.#daemon.until("to answer", START_MS, async () => {
      return await this.httpStatus(`${this.url}/v2/`) === 200;
    });
  }

  /** Ends the registry in order. */
  async stop(): Promise<void> {
    await this.#daemon?.stop();
  }

  /** Pushes an image unless it is here, and gives its full name. */
  async push(image: ImageInfo): Promise<string> {
    const name = `${image.repository}:${image.tag}`;
    const running = this.#pushed.get(name) ?? this.#pushAll(image);
    this.#pushed.set(name, running);
    await running;
    return `${this.registry}/${name}`;
  }

  async #pushAll(image: ImageInfo): Promise<void> {
    for (const { config, layers } of image.manifests) {
      const blobs = [config, ...layers];
      await Promise.all(blobs.map((blob) => this.#pushBlob(image, blob)));
    }
    for (const manifest of image.manifests) {
      await this.#pushManifest(image, manifest, manifest.digest);
    }
    await this.#pushManifest(image, image, image.tag);
  }

  async #pushBlob(
    { repository, layout }: ImageInfo,
    { digest }: Descriptor,
  ): Promise<void> {
    const uploads = `${this.url}/v2/${repository}/blobs/uploads/`;
    const post = ["curl", "-sS", "-f", "-X", "POST", "-D", "-", uploads];
    const answer = await this.exec(post);
    const location = /^location:\s*(\S+)/im.exec(answer)?.[1];
    if (!location) throw new Error(`Cannot push ${digest}: no Location`);
    await this.exec([
      ...["curl", "-sS", "-f", "-H", "Content-Type: application/octet-stream"],
      ...["-T", blobPath(layout, digest), `${location}&digest=${digest}`],
    ]);
  }

  async #pushManifest(
    { repository, layout }: ImageInfo,
    { mediaType, digest }: Descriptor,
    reference: string,
  ): Promise<void> {
    await this.exec([
      ...["curl", "-sS", "-f", "-H", `Content-Type: ${mediaType}`, "-T"],
      blobPath(layout, digest),
      `${this.url}/v2/${repository}/manifests/${reference}`,
    ]);
  }

  /** What others asked the registry, oldest first; its own pushes left out. */
  async requests(): Promise<RegistryRequest[]> {
    const text = await Deno.readTextFile(this.log);
    const requests: RegistryRequest[] = [];
    for (const line of text.split("\n")) {
      if (!line.includes('"response completed"')) continue;
      const entry = JSON.parse(line);
      const ip = String(entry["http.request.remoteaddr"]).split(":")[0] ?? "";
      if (ip === this.ip) continue;
      requests.push({
        method: entry["http.request.method"],
        uri: entry["http.request.uri"],
        status: entry["http.response.status"],
        bytes: entry["http.response.written"] ?? 0,
        ip,
      });
    }
    return requests;
  }
}

/** JSON is YAML, which is what the registry reads. */
function registryConfig(data: string): string {
  return JSON.stringify({
    version: "0.1",
    log: { level: "info", formatter: "json" },
    storage: {
      filesystem: { rootdirectory: data },
      delete: { enabled: true },
    },
    http: { addr: `0.0.0.0:${PORT}` },
  });
}
