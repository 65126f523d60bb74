/**
 * containerd over gRPC on its unix socket: the only door to grpc-js.
 *
 * @module
 */

import "./grpc_loading.ts";
import * as grpc from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import "./grpc_loaded.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { CONTAINERD_API, type ProtobufJson } from "./api.ts";

/** What containerd knows of one piece of content in the namespace. */
export interface ContentInfo {
  /** Its digest. */
  readonly digest: Digest;
  /** Its size in bytes. */
  readonly size: number;
  /** containerd's labels: where it came from, what it refers to. */
  readonly labels: Readonly<Record<string, string>>;
}

/** An image of the namespace: a name and what it stands for. */
export interface ContainerdImage {
  /** Usually `registry/repository:tag`, but it may be any text. */
  readonly name: string;
  /** Digest of its manifest or index. */
  readonly target: Digest;
}

/** Something that containerd told. */
export interface ContainerdEvent {
  /** For example `/content/create` or `/images/delete`. */
  readonly topic: string;
  /** The digest of a content event, the name of an image event. */
  readonly subject: string;
}

/**
 * The calls that Peili makes, in one namespace. Each rejects with a gRPC error
 * when containerd is away; "not found" is null.
 */
export interface ContainerdClient extends Disposable {
  /** Looks one piece of content up. */
  info(digest: Digest, signal: AbortSignal): Promise<ContentInfo | null>;
  /** Lists all content. */
  contents(signal: AbortSignal): AsyncIterable<readonly ContentInfo[]>;
  /** Looks one image up by its name. */
  image(name: string, signal: AbortSignal): Promise<ContainerdImage | null>;
  /** Lists all images. */
  images(signal: AbortSignal): Promise<readonly ContainerdImage[]>;
  /** Tells what happens to content and images until containerd goes away. */
  events(signal: AbortSignal): AsyncIterable<ContainerdEvent>;
  /** containerd's version, `1.7.24`. */
  version(signal: AbortSignal): Promise<string>;
}

/** Where containerd is. */
export interface ContainerdClientOptions {
  /** Path of its socket. */
  readonly socket: string;
  /** Namespace whose content is read, `k8s.io` for what kubelet pulls. */
  readonly namespace: string;
}

/**
 * Milliseconds for one call. A call takes 0.7 ms (p50) and up to 30 ms on a
 * busy node; a containerd that does not answer within this must not hold up a
 * pull, and the request goes on without it.
 */
const CALL_MS = 500;

/** Milliseconds for a listing, which may hold tens of thousands of entries. */
const LIST_MS = 30_000;

/** A namespace's images in one message; containerd's own client allows 16 MiB. */
const MAX_MESSAGE_BYTES = 64 << 20;

const EVENT_TOPICS = ["/content/", "/images/"];

/** Calls of containerd's gRPC API, by the paths of their methods. */
export interface ContainerdCalls extends Disposable {
  /**
   * Asks once.
   *
   * @param path `package.Service/Method`
   * @param request The message
   * @param options Who waits, and how long at most (500 ms unless told)
   * @returns The answer; null for "not found"
   */
  unary<T>(
    path: string,
    request: object,
    options: CallWait,
  ): Promise<T | null>;
  /** Asks once and reads messages until the other side has said all. */
  messages<T>(
    path: string,
    request: object,
    options: CallWait,
  ): AsyncIterable<T>;
  /** Reads a message of the API from its bytes. */
  read<T>(message: string, bytes: Uint8Array): T;
}

/** Who waits for a call, and how long. */
export interface CallWait {
  /** Ends the call. */
  readonly signal: AbortSignal;
  /** Milliseconds until it fails by itself. */
  readonly deadlineMs?: number;
  /** gRPC metadata that goes with it. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Opens a connection to containerd. It is made with the first call and made
 * again whenever it breaks.
 *
 * @param options Socket and namespace
 * @param api What is called
 * @returns The calls; disposing closes the connection
 */
export function containerdCalls(
  options: ContainerdClientOptions,
  api: ProtobufJson,
): ContainerdCalls {
  const { method, read } = loadApi(api);
  const channel = new grpc.Client(
    `unix://${options.socket}`,
    grpc.credentials.createInsecure(),
    {
      // Go's gRPC server refuses the default authority of a unix socket.
      "grpc.default_authority": "localhost",
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      // A restarted containerd is found again within 2 s.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2000,
    },
  );
  const metadata = (headers: CallWait["headers"] = {}) => {
    const all = new grpc.Metadata();
    all.set("containerd-namespace", options.namespace);
    Object.entries(headers).forEach(([name, value]) => all.set(name, value));
    return all;
  };
  return {
    unary: (path, request, wait) =>
      unary(channel, method(path), metadata(wait.headers), request, wait),
    messages: (path, request, wait) =>
      stream(channel, method(path), metadata(wait.headers), request, wait),
    read,
    [Symbol.dispose]: () => channel.close(),
  };
}

/**
 * Connects to containerd.
 *
 * @param options Socket and namespace
 * @returns The client; disposing it closes the connection
 */
export function containerdClient(
  options: ContainerdClientOptions,
): ContainerdClient {
  const calls = containerdCalls(options, CONTAINERD_API);
  const call = <T>(path: string, request: object, signal: AbortSignal) =>
    calls.unary<T>(path, request, { signal });

  return {
    async info(digest, signal) {
      const path = "containerd.services.content.v1.Content/Info";
      const answer = await call<{ info: WireInfo }>(path, { digest }, signal);
      return answer && toInfo(answer.info);
    },
    async *contents(signal) {
      const messages = calls.messages<{ info: WireInfo[] }>(
        "containerd.services.content.v1.Content/List",
        {},
        { signal, deadlineMs: LIST_MS },
      );
      for await (const { info } of messages) {
        yield info.map(toInfo).filter((info) => info !== null);
      }
    },
    async image(name, signal) {
      const path = "containerd.services.images.v1.Images/Get";
      const answer = await call<{ image: WireImage }>(path, { name }, signal);
      return answer && toImage(answer.image);
    },
    async images(signal) {
      const path = "containerd.services.images.v1.Images/List";
      const answer = await call<{ images: WireImage[] }>(path, {}, signal);
      return (answer?.images ?? []).map(toImage)
        .filter((image) => image !== null);
    },
    async *events(signal) {
      const filters = EVENT_TOPICS.map((topic) =>
        `namespace==${options.namespace},topic~="^${topic}"`
      );
      const messages = calls.messages<WireEnvelope>(
        "containerd.services.events.v1.Events/Subscribe",
        { filters },
        { signal },
      );
      for await (const { namespace, topic, event } of messages) {
        if (namespace !== options.namespace || !event) continue;
        const { name } = calls.read<{ name: string }>(
          "containerd.events.Subject",
          event.value,
        );
        yield { topic, subject: name };
      }
    },
    async version(signal) {
      const path = "containerd.services.version.v1.Version/Version";
      const answer = await call<{ version: string }>(path, {}, signal);
      return answer?.version ?? "";
    },
    [Symbol.dispose]: () => calls[Symbol.dispose](),
  };
}

interface WireInfo {
  digest: string;
  size: number;
  labels: Record<string, string>;
}

interface WireImage {
  name: string;
  target: { digest: string } | null;
}

interface WireEnvelope {
  namespace: string;
  topic: string;
  event: { value: Uint8Array } | null;
}

/** Content under a hash that is not known here is left out, not fatal. */
function toInfo({ digest, size, labels }: WireInfo): ContentInfo | null {
  const parsed = parseDigest(digest);
  return parsed && { digest: parsed, size, labels };
}

function toImage({ name, target }: WireImage): ContainerdImage | null {
  const digest = parseDigest(target?.digest ?? "");
  return digest && { name, target: digest };
}

type Method = grpc.MethodDefinition<object, unknown>;

function loadApi(api: ProtobufJson) {
  const definition = fromJSON(api as Parameters<typeof fromJSON>[0], {
    keepCase: true,
    longs: Number,
    defaults: true,
  });
  return {
    method(path: string): Method {
      const [service = "", name = ""] = path.split("/");
      return (definition[service] as grpc.ServiceDefinition)[name] as Method;
    },
    read<T>(message: string, bytes: Uint8Array): T {
      const type = definition[message] as unknown as {
        deserialize(bytes: Uint8Array): T;
      };
      return type.deserialize(bytes);
    },
  };
}

function unary<T>(
  channel: grpc.Client,
  method: Method,
  metadata: grpc.Metadata,
  request: object,
  { signal, deadlineMs = CALL_MS }: CallWait,
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const call = channel.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (bytes: Uint8Array) => T,
      request,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, answer) => {
        signal.removeEventListener("abort", cancel);
        if (!error) resolve(answer ?? null);
        else if (error.code === grpc.status.NOT_FOUND) resolve(null);
        else reject(error);
      },
    );
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel, { once: true });
  });
}

async function* stream<T>(
  channel: grpc.Client,
  method: Method,
  metadata: grpc.Metadata,
  request: object,
  { signal, deadlineMs }: CallWait,
): AsyncIterable<T> {
  signal.throwIfAborted();
  const call = channel.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize as (bytes: Uint8Array) => T,
    request,
    metadata,
    deadlineMs ? { deadline: Date.now() + deadlineMs } : {},
  );
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    yield* call as AsyncIterable<T>;
  } finally {
    signal.removeEventListener("abort", cancel);
    call.cancel();
  }
}
