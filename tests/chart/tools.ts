/**
 * The programs that the chart's tests need, built by Go once. Run by itself, this
 * file builds all of them: in 17 minutes of processor time, 4.8 GB of Go's own
 * caches and 1.3 GiB of memory, where nothing is there.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path/posix";
import { cached } from "../lab/cache.ts";
import { goBuild, goInstall, goModule } from "../lab/go.ts";

const HELM = "v3.22.0";
const KUBECONFORM = "v0.8.0";

/** The release of Kubernetes; `control_plane/go.mod` names it, too. */
export const KUBERNETES = "v1.34.4";

/** Modules with definitions of objects that Kubernetes itself does not have. */
const DEFINITIONS = [
  {
    module: "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    files: ["servicemonitors", "podmonitors"].map((name) =>
      `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`
    ),
  },
  {
    module: "k8s.io/autoscaler/vertical-pod-autoscaler@v1.4.1",
    files: ["deploy/vpa-v1-crd-gen.yaml"],
  },
];

/** The path of helm. */
export async function helmProgram(): Promise<string> {
  const program = `helm.sh/helm/v3/cmd/helm@${HELM}`;
  return join(await goInstall(`helm-${HELM}`, [program]), "helm");
}

/** The path of kubeconform. */
export async function kubeconformProgram(): Promise<string> {
  const program = `github.com/yannh/kubeconform/cmd/kubeconform@${KUBECONFORM}`;
  const folder = await goInstall(`kubeconform-${KUBECONFORM}`, [program]);
  return join(folder, "kubeconform");
}

/**
 * The path of the program that is API server, controller manager and scheduler.
 * Go needs 11 minutes of processor time for it, so it is kept.
 */
export async function controlPlaneProgram(): Promise<string> {
  const source = new URL("control_plane/", import.meta.url).pathname;
  const name = `control-plane-${KUBERNETES}-${await fingerprint(source)}`;
  const folder = await cached(name, async (draft) => {
    const [major, minor] = KUBERNETES.slice(1).split(".");
    const version = "k8s.io/component-base/version";
    const facts = { gitVersion: KUBERNETES, gitMajor: major, gitMinor: minor };
    const named = Object.entries(facts)
      .map(([name, value]) => `-X ${version}.${name}=${value}`).join(" ");
    await goBuild(source, { to: draft, ldflags: `-s -w ${named}` });
  });
  return join(folder, "control-plane");
}

/** What changes with the files of a folder. */
async function fingerprint(folder: string): Promise<string> {
  const names = (await Array.fromAsync(Deno.readDir(folder)))
    .map(({ name }) => name).sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(await Deno.readFile(folder + name));
  return hash.digest("hex").slice(0, 8);
}

/** The text of Kubernetes' own description of its objects. */
export async function openApi(): Promise<string> {
  const module = await goModule(`k8s.io/kubernetes@${KUBERNETES}`);
  return await Deno.readTextFile(join(module, "api/openapi-spec/swagger.json"));
}

/** The text of each further definition, as YAML. */
export async function customDefinitions(): Promise<string[]> {
  const texts: string[] = [];
  for (const { module, files } of DEFINITIONS) {
    const folder = await goModule(module);
    for (const file of files) {
      texts.push(await Deno.readTextFile(join(folder, file)));
    }
  }
  return texts;
}

if (import.meta.main) {
  await kubeconformProgram();
  await helmProgram();
  await controlPlaneProgram();
  await openApi();
  await customDefinitions();
}
