/** Helm as a process, with a home of its own. @module */
import { parseAllDocuments } from "yaml";
import { helmProgram } from "./tools.ts";

/** The chart. */
export const CHART: string = new URL("../../deploy/chart", import.meta.url)
  .pathname;

/** An object of Kubernetes, as far as tests look into it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly annotations?: Record<string, string>;
    readonly labels?: Record<string, string>;
  };
  // deno-lint-ignore no-explicit-any -- what an object holds differs by kind
  readonly [key: string]: any;
}

/** How helm ended. */
export interface HelmRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Helm with a folder for what it keeps; disposing of it removes that. */
export interface Helm extends AsyncDisposable {
  /** The folder, for files of a test. */
  readonly path: string;
  /** Runs it to its end. */
  try(args: readonly string[], values?: unknown): Promise<HelmRun>;
  /** The same, and it must succeed; gives what it printed. */
  run(args: readonly string[], values?: unknown): Promise<string>;
  /** The objects that the chart makes of some values, hooks included. */
  template(values?: unknown, args?: readonly string[]): Promise<KubeObject[]>;
}

/**
 * Makes one.
 *
 * @param env Further variables, such as KUBECONFIG
 */
export async function startHelm(env: Record<string, string> = {}): Promise<
  Helm
> {
  const program = await helmProgram();
  const path = await Deno.makeTempDir({ prefix: "peili-helm-" });
  const homes = Object.fromEntries(
    ["CACHE", "CONFIG", "DATA"].map((name) => [`HELM_${name}_HOME`, path]),
  );
  const attempt = async (args: readonly string[], values?: unknown) => {
    const child = new Deno.Command(program, {
      args: [...args, ...(values === undefined ? [] : ["--values", "-"])],
      env: { KUBECONFIG: "/dev/null", ...homes, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const text = values === undefined ? "" : JSON.stringify(values);
    const [{ code, stdout, stderr }] = await Promise.all([
      child.output(),
      new Blob([text]).stream().pipeTo(child.stdin).catch(() => {
        // It ended without reading its input; its exit code says why.
      }),
    ]);
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  };
  const run = async (args: readonly string[], values?: unknown) => {
    const { code, stdout, stderr } = await attempt(args, values);
    if (code === 0) return stdout;
    throw new Error(`helm ${args.join(" ")} ended with ${code}: ${stderr}`);
  };
  return {
    path,
    try: attempt,
    run,
    template: async (values = {}, args = []) =>
      objectsOf(
        await run(
          ["template", "peili", CHART, "-n", "system", ...args],
          values,
        ),
      ),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Reads objects from YAML. */
export function objectsOf(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS();
  }).filter((object) => object !== null);
}

/** The one object of a kind, and of a name where there are several. */
export function objectOf(
  objects: readonly KubeObject[],
  kind: string,
  name?: string,
): KubeObject {
  const found = objects.filter((object) =>
    object.kind === kind && (name ?? object.metadata.name) ===
      object.metadata.name
  );
  const [object] = found;
  if (object && found.length === 1) return object;
  throw new Error(`${found.length} objects ${kind} ${name ?? ""}`);
}
