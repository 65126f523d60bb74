/** Pulls images as kubelet does: over CRI, on containerd's socket. @module */
import {
  Client,
  credentials,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { CRI_DESCRIPTION } from "./cri_proto.ts";

/** Credentials as kubelet hands them to containerd. */
export interface CriAuth {
  username?: string;
  password?: string;
  serverAddress?: string;
}

/** What the lab asks of containerd's CRI plugin. */
export interface Cri {
  /** Gives the version of containerd. */
  version(): Promise<string>;
  /** Gives the id of the image. */
  pullImage(
    image: string,
    options: { budgetMs: number; auth?: CriAuth },
  ): Promise<string>;
  removeImage(image: string): Promise<void>;
}

const PACKAGE = fromJSON(CRI_DESCRIPTION, { defaults: true });

/** For calls that move no content. */
const QUICK_MS = 10_000;

/** A message as {@linkcode CRI_DESCRIPTION} describes it. */
// deno-lint-ignore no-explicit-any -- it has the shape of CRI_DESCRIPTION
export type Message = any;

function methodOf(
  service: string,
  name: string,
): MethodDefinition<Message, Message> {
  const definition = PACKAGE[`runtime.v1.${service}`] as ServiceDefinition;
  const method = definition[name];
  if (!method) throw new TypeError(`Cannot call ${service}.${name}: unknown`);
  return method;
}

/** One call on a connection of its own. */
export function call(
  socket: string,
  [service, name]: [service: string, name: string],
  request: Message,
  budgetMs: number,
): Promise<Message> {
  const method = methodOf(service, name);
  const options = {
    // Go's gRPC refuses the authority that grpc-js makes of a socket's path.
    "grpc.default_authority": "localhost",
    // A shared connection would outlive close(), and a restart of containerd.
    "grpc.use_local_subchannel_pool": 1,
  };
  const insecure = credentials.createInsecure();
  const client = new Client(`unix://${socket}`, insecure, options);
  const { promise, resolve, reject } = Promise.withResolvers<Message>();
  client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    { deadline: Date.now() + budgetMs },
    (error: ServiceError | null, answer?: Message) => {
      if (error) {
        const said = `Cannot ${name} at ${socket}: ${error.details}`;
        reject(new Error(said, { cause: error }));
      } else resolve(answer);
    },
  );
  return promise.finally(() => client.close());
}

/** Speaks CRI with the containerd that listens on a socket. */
export function criAt(socket: string): Cri {
  return {
    async version() {
      // grpc-js keeps a timer of every connection that was refused.
      (await Deno.connect({ transport: "unix", path: socket })).close();
      const answer = await call(
        socket,
        ["RuntimeService", "Version"],
        {},
        QUICK_MS,
      );
      return answer.runtimeVersion;
    },
    async pullImage(image, { budgetMs, auth }) {
      const request = { image: { image }, ...(auth && { auth }) };
      const answer = await call(
        socket,
        ["ImageService", "PullImage"],
        request,
        budgetMs,
      );
      return answer.imageRef;
    },
    async removeImage(image) {
      const request = { image: { image } };
      await call(socket, ["ImageService", "RemoveImage"], request, QUICK_MS);
    },
  };
}
