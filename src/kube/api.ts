/**
 * The cluster's API as a pod reaches it, for reading single objects: one GET.
 *
 * The usual client, npm:@kubernetes/client-node 2.0.1, would do it within the
 * pod's limit: `wait` peaks at 71 to 78 MiB with it, at 59 with this. What pays is
 * `run`, which asks nothing here, for Deno holds the text of the whole program:
 *
 *                              program   run, at rest   of that anonymous
 *     this file                 1.4 MB       73.7 MiB            30.9 MiB
 *     the whole client          3.6 MB       79.6 MiB            38.0 MiB
 *     two of its API classes    3.0 MB       77.5 MiB            35.9 MiB
 *     nothing of it, split      1.4 MB       73.6 MiB            30.5 MiB
 *     the whole client, split   3.6 MB       74.7 MiB            32.8 MiB
 *
 * Medians of 5, bundled, in turn, on a busy machine; "split" is a file for each
 * part that is loaded later, of which Deno reads all at the start. Its undici also
 * reads variables that no set allows. Nor is it for the chart's tests: it leaves
 * out of an object what it does not know itself (`enum` and `default` in a
 * definition, too), so that the server could find nothing wrong, and it opens a
 * connection for each request and keeps it (50 for 50).
 *
 * @module
 */

import { deadline } from "../async/deadline.ts";
import { readText } from "../async/read_text.ts";

/** Reads objects. */
export interface KubeApi extends Disposable {
  /** Namespace of the pod. */
  readonly namespace: string;
  /**
   * Reads one object.
   *
   * @param path Such as `/apis/apps/v1/namespaces/x/daemonsets/y`
   * @param signal Ends it
   * @returns The object
   * @throws {Error} When the API refuses, or cannot be reached; it says why
   */
  get(path: string, signal: AbortSignal): Promise<unknown>;
}

/** Where the API is. */
export interface KubeApiOptions {
  /** Address of the API: `KUBERNETES_SERVICE_HOST` of a pod. */
  readonly host: string;
  /** Its port: `KUBERNETES_SERVICE_PORT`. */
  readonly port: string;
  /** Folder of the pod's `token`, `ca.crt` and `namespace`. */
  readonly serviceAccount: string;
}

/** One object is small; an API server that needs longer is asked again. */
const ANSWER_MS = 10_000;

/** An object of the API is 1.5 MiB at most, which is etcd's limit. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/**
 * Opens the API with a pod's own token.
 *
 * @param options Where it is
 * @returns The API; disposing of it closes its connections
 * @throws {Error} When this is no pod, or it has no token
 */
export async function kubeApi(options: KubeApiOptions): Promise<KubeApi> {
  const { host, port, serviceAccount } = options;
  if (host === "" || port === "") {
    throw new Error(
      "Cannot find the cluster's API: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod",
    );
  }
  const read = (name: string) => readCredential(`${serviceAccount}/${name}`);
  const client = Deno.createHttpClient({ caCerts: [await read("ca.crt")] });
  const namespace = await read("namespace");
  const base = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    namespace,
    async get(path, signal) {
      using limit = deadline(signal, ANSWER_MS);
      // The token is written anew before it expires.
      const headers = { authorization: `Bearer ${await read("token")}` };
      const response = await fetch(`${base}${path}`, {
        headers,
        client,
        signal: limit.signal,
      });
      const text = await readText(response.body, MAX_ANSWER_BYTES);
      if (response.ok) return JSON.parse(text);
      throw new Error(
        `Cannot read ${path}: ${response.status} ${messageOf(text)}`,
      );
    },
    [Symbol.dispose]: () => client.close(),
  };
}

async function readCredential(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    throw new Error(
      `Cannot read ${path}: the pod needs its service account's token`,
      { cause },
    );
  }
}

/** The API's own words, if it is the API that answers. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text);
    if (typeof message === "string") return message;
  } catch {
    // A proxy's page, for one: its beginning says what it is.
  }
  return text.slice(0, 200);
}
