/** A cluster's API as its administrator uses it. @module */
import type { KubeObject } from "./helm.ts";

/** Where kinds of objects are, by their kind. */
const PATHS: Readonly<Record<string, readonly [api: string, name: string]>> = {
  ClusterRole: ["apis/rbac.authorization.k8s.io/v1", "clusterroles"],
  ClusterRoleBinding: [
    "apis/rbac.authorization.k8s.io/v1",
    "clusterrolebindings",
  ],
  CustomResourceDefinition: [
    "apis/apiextensions.k8s.io/v1",
    "customresourcedefinitions",
  ],
  DaemonSet: ["apis/apps/v1", "daemonsets"],
  Event: ["api/v1", "events"],
  Job: ["apis/batch/v1", "jobs"],
  Namespace: ["api/v1", "namespaces"],
  NetworkPolicy: ["apis/networking.k8s.io/v1", "networkpolicies"],
  Node: ["api/v1", "nodes"],
  Pod: ["api/v1", "pods"],
  PodMonitor: ["apis/monitoring.coreos.com/v1", "podmonitors"],
  Role: ["apis/rbac.authorization.k8s.io/v1", "roles"],
  RoleBinding: ["apis/rbac.authorization.k8s.io/v1", "rolebindings"],
  Secret: ["api/v1", "secrets"],
  Service: ["api/v1", "services"],
  ServiceAccount: ["api/v1", "serviceaccounts"],
  ServiceMonitor: ["apis/monitoring.coreos.com/v1", "servicemonitors"],
  SubjectAccessReview: [
    "apis/authorization.k8s.io/v1",
    "subjectaccessreviews",
  ],
  VerticalPodAutoscaler: [
    "apis/autoscaling.k8s.io/v1",
    "verticalpodautoscalers",
  ],
};

/** How the API answered. */
export interface ApiAnswer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any -- objects of all kinds
  readonly body: any;
  /** What it warns of, such as what Pod Security would not allow. */
  readonly warnings: readonly string[];
}

/** The address of objects of a kind, or of one. */
export function pathOf(kind: string, namespace = "", name = ""): string {
  const [api, plural] = PATHS[kind] ?? [];
  if (!api) throw new Error(`Cannot address ${kind}: add it to PATHS`);
  const inside = namespace ? `/namespaces/${namespace}` : "";
  return `/${api}${inside}/${plural}${name && `/${name}`}`;
}

/** Asks the API. */
export class ClusterApi implements Disposable {
  readonly #base: string;
  readonly #token: string;
  readonly #client: Deno.HttpClient;

  constructor(port: number, token: string, ca: string) {
    this.#base = `https://127.0.0.1:${port}`;
    this.#token = token;
    this.#client = Deno.createHttpClient({ caCerts: [ca] });
  }

  /** Sends one request and reads all of the answer. */
  async ask(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const response = await this.#fetch(method, path, body);
    const warnings = (response.headers.get("warning") ?? "")
      .split(/299 - "/).filter(Boolean)
      .map((text) => text.replace(/",?\s*$/, ""));
    return {
      status: response.status,
      body: JSON.parse(await response.text()),
      warnings,
    };
  }

  /** The same, and it must succeed. */
  async send(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const answer = await this.ask(method, path, body);
    if (answer.status < 300) return answer;
    throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  }

  /** Whether it answers, and all of it has started. */
  async ready(): Promise<boolean> {
    const response = await this.#fetch("GET", "/readyz");
    await response.body?.cancel();
    return response.ok;
  }

  /** Makes an object. */
  async create(object: KubeObject): Promise<void> {
    await this.send(
      "POST",
      pathOf(object.kind, object.metadata.namespace),
      object,
    );
  }

  /** Reads one object; null when there is none. */
  async get(
    kind: string,
    namespace: string,
    name: string,
  ): Promise<KubeObject | null> {
    const path = pathOf(kind, namespace, name);
    const { status, body } = await this.ask("GET", path);
    return status === 404 ? null : body;
  }

  /** Reads all objects of a kind, of one namespace or of all. */
  async list(kind: string, namespace = ""): Promise<KubeObject[]> {
    const { body } = await this.send("GET", pathOf(kind, namespace));
    // deno-lint-ignore no-explicit-any -- items of a list do not say their kind
    return body.items.map((item: any) => ({ ...item, kind }));
  }

  #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const type = method === "PATCH" ? "merge-patch+json" : "json";
    return fetch(`${this.#base}${path}`, {
      method,
      client: this.#client,
      headers: {
        authorization: `Bearer ${this.#token}`,
        "content-type": `application/${type}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
