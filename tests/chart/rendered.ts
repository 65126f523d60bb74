/**
 * Files that are made from the chart: golden ones and the plain manifests. Run
 * by itself, it writes them.
 *
 * @module
 */

import { isMap, parseAllDocuments } from "yaml";
import { CHART, type Helm, startHelm } from "./helm.ts";
import { KUBERNETES } from "./tools.ts";

/** One file. */
export interface RenderedFile {
  readonly path: URL;
  /** Makes its text. */
  readonly make: (helm: Helm) => Promise<string>;
}

const MANIFESTS = new URL("../../deploy/manifests/", import.meta.url);

const HEAD = `# Peili without Helm, in the namespace kube-system; made from the
# chart (deno task chart). Its secret is yours to make, once:
#
#   kubectl --namespace kube-system create secret generic peili-peers --from-literal=secret="$(head -c 32 /dev/urandom | base64 -w 0)"
#   kubectl apply -f peili.yaml
#
# To take it away, and with it what it wrote to each node's hosts.toml:
#
#   kubectl delete -f peili.yaml
#   kubectl apply -f restore.yaml
#   kubectl --namespace kube-system rollout status daemonset/peili-restore
#   kubectl delete -f restore.yaml
#   kubectl --namespace kube-system delete secret peili-peers
`;

const LABELS = ["metadata", "labels"];
const POD_LABELS = ["spec", "template", "metadata", "labels"];
const ANNOTATIONS = ["metadata", "annotations"];

/** What only Helm reads. */
const HELM_ALONE = [
  ...[LABELS, POD_LABELS].flatMap((path) => [
    [...path, "helm.sh/chart"],
    [...path, "app.kubernetes.io/managed-by"],
  ]),
  ...["", "-weight", "-delete-policy"].map((end) => [
    ...ANNOTATIONS,
    `helm.sh/hook${end}`,
  ]),
];

/** Without the things that Helm alone needs: its labels, and its waiting. */
function plain(yaml: string): string {
  const documents = parseAllDocuments(yaml).filter((document) =>
    !["Job", "Role", "RoleBinding"].includes(String(document.get("kind")))
  );
  for (const document of documents) {
    document.commentBefore = null;
    for (const path of HELM_ALONE) {
      if (document.hasIn(path)) document.deleteIn(path);
    }
    const annotations = document.getIn(ANNOTATIONS);
    if (isMap(annotations) && annotations.items.length === 0) {
      document.deleteIn(ANNOTATIONS);
    }
  }
  const texts = documents.map((document) =>
    document.toString({ directives: false, lineWidth: 0 }).trim()
  );
  return `${HEAD}---\n${texts.join("\n---\n")}\n`;
}

/** As a cluster that copies no zone to pods needs it, and others can have it. */
function template(...args: string[]): string[] {
  return [
    ...["template", "peili", CHART, "--namespace", "kube-system"],
    ...["--kube-version", KUBERNETES, ...args],
  ];
}

/** All of them. */
export const RENDERED: readonly RenderedFile[] = [
  {
    path: new URL("golden/defaults.yaml", import.meta.url),
    make: async (helm) =>
      (await helm.run(template()))
        // Another one each time.
        .replace(/^ {2}secret: .*$/m, "  secret: RANDOM"),
  },
  {
    path: new URL("peili.yaml", MANIFESTS),
    make: async (helm) =>
      plain(
        await helm.run(template("--no-hooks"), {
          secret: { existingSecret: "peili-peers" },
        }),
      ),
  },
  {
    path: new URL("restore.yaml", MANIFESTS),
    make: async (helm) =>
      plain(await helm.run(template("--show-only", "templates/restore.yaml"))),
  },
];

if (import.meta.main) {
  await using helm = await startHelm();
  for (const { path, make } of RENDERED) {
    await Deno.mkdir(new URL(".", path), { recursive: true });
    await Deno.writeTextFile(path, await make(helm));
  }
}
