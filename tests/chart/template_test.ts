/** What the chart makes of values: valid objects, and what the values say. @module */

import assert from "node:assert/strict";
import { CORPUS, SPEGEL } from "./corpus.ts";
import {
  CHART,
  type KubeObject,
  objectOf,
  objectsOf,
  startHelm,
} from "./helm.ts";
import { RENDERED } from "./rendered.ts";
import { LOCATION, writeSchemas } from "./schemas.ts";
import { kubeconformProgram, KUBERNETES } from "./tools.ts";

const ALL_APIS = ["--api-versions", "autoscaling.k8s.io/v1"];

/** The arguments of a container, `--flag=value` by flag; the command is "". */
function argumentsOf(objects: readonly KubeObject[], container: string) {
  const { spec } = objectOf(objects, "DaemonSet", "peili").spec.template;
  const all = [...spec.initContainers ?? [], ...spec.containers];
  const { args } = all.find(({ name }) => name === container);
  return new Map<string, string>(
    args.map((arg: string) => {
      const [flag = "", ...value] = arg.split("=");
      return [flag, value.join("=")];
    }),
  );
}

Deno.test("helm lint --strict finds nothing in the chart, whatever the values", async () => {
  await using helm = await startHelm();
  for (const { name, values } of CORPUS) {
    const run = await helm.try(["lint", "--strict", "--quiet", CHART], values);
    assert.equal(run.code, 0, `${name}: ${run.stdout}`);
  }
});

Deno.test("the chart's objects are what Kubernetes and the operators define, whatever the values", async () => {
  await using helm = await startHelm();
  const folder = await Deno.makeTempDir({ dir: helm.path });
  const kinds = new Set<string>();
  const files: string[] = [];
  let count = 0;
  for (const [index, { name, values }] of CORPUS.entries()) {
    const objects = await helm.template(values, ALL_APIS);
    objects.forEach(({ kind }) => kinds.add(kind));
    count += objects.length;
    const file = `${folder}/${index}.json`;
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await Deno.writeTextFile(file, JSON.stringify({ ...list, name }));
    files.push(file);
  }
  for (
    const kind of ["ServiceMonitor", "PodMonitor", "VerticalPodAutoscaler"]
  ) {
    assert.ok(kinds.has(kind), kind);
  }
  await writeSchemas(folder, kinds);
  const kubeconform = async (...paths: string[]) => {
    const { stdout } = await new Deno.Command(await kubeconformProgram(), {
      args: [
        ...["-strict", "-summary", "-output", "json"],
        ...["-kubernetes-version", KUBERNETES.slice(1)],
        ...["-schema-location", `${folder}/${LOCATION}`, ...paths],
      ],
    }).output();
    return JSON.parse(new TextDecoder().decode(stdout));
  };
  const { resources, summary } = await kubeconform(...files);
  assert.deepEqual(resources ?? [], []);
  assert.equal(summary.valid, count, JSON.stringify(summary));
  // It would see a key that is not there.
  const [object] = await helm.template({});
  const wrong = `${folder}/wrong.json`;
  await Deno.writeTextFile(wrong, JSON.stringify({ ...object, nope: 1 }));
  assert.equal((await kubeconform(wrong)).summary.invalid, 1);
});

Deno.test.each(RENDERED.map(({ path, make }) => ({
  name: path.pathname.split("/").slice(-2).join("/"),
  path,
  make,
})))(
  "$name is what the chart makes: deno task chart",
  async ({ path, make }) => {
    await using helm = await startHelm();
    assert.equal(await Deno.readTextFile(path), await make(helm));
  },
);

Deno.test.each([
  { values: { nope: 1 }, says: "additional properties 'nope' not allowed" },
  {
    values: { spegel: { mirrorResolveTimeouts: "1s" } },
    says: "additional properties 'mirrorResolveTimeouts' not allowed",
  },
  {
    values: { service: { registry: { nodeport: 1 } } },
    says: "additional properties 'nodeport' not allowed",
  },
  { values: { peili: { fanOut: "4" } }, says: "got string, want integer" },
  {
    values: { basicAuthSecretName: "x" },
    says: "Peili asks for no password at the mirror port",
  },
  {
    values: { image: { repository: "registry.example/spegel-org/spegel" } },
    says: "is Spegel's image: set it to where Peili's is",
  },
])(
  "a value that is not known is an error: $values",
  async ({ values, says }) => {
    await using helm = await startHelm();
    const { code, stderr } = await helm.try(["template", CHART], values);
    assert.equal(code, 1);
    assert.ok(stderr.includes(says), stderr);
  },
);

Deno.test("hosts.toml gets the host port first, then the node port, then other mirrors", async () => {
  await using helm = await startHelm();
  const targets = async (registry: unknown) => {
    const objects = await helm.template({
      service: { registry },
      peili: { additionalMirrorTargets: ["https://a", "https://b"] },
    });
    const args = argumentsOf(objects, "configure");
    return [
      args.get("--mirror-targets"),
      args.get("--additional-mirror-targets"),
    ];
  };
  assert.deepEqual(await targets({ hostPort: 1, nodePort: 2 }), [
    "http://$(NODE_IP):1,http://$(NODE_IP):2",
    "https://a,https://b",
  ]);
  const [alone] = await targets({
    nodePort: 2,
    usePreferSameNodeTrafficDistribution: true,
  });
  assert.equal(alone, "http://$(NODE_IP):2");
});

Deno.test("Spegel's values say the same to Peili, under the names of all its versions", async () => {
  await using helm = await startHelm();
  const seen = async (spegel: unknown) => {
    const objects = await helm.template({ spegel });
    const run = argumentsOf(objects, "peili");
    const configure = argumentsOf(objects, "configure");
    return { run, configure };
  };
  const old = await seen({
    registries: ["https://quay.io"],
    additionalMirrorRegistries: ["https://zot.example"],
    resolveLatestTag: false,
    logLevel: "DEBUG",
  });
  assert.equal(old.run.get("--mirrored-registries"), "https://quay.io");
  assert.equal(old.configure.get("--mirrored-registries"), "https://quay.io");
  assert.equal(old.run.get("--resolve-latest-tag"), "false");
  assert.equal(old.run.get("--log-level"), "debug");
  assert.equal(
    old.configure.get("--additional-mirror-targets"),
    "https://zot.example",
  );
  const recent = await seen({
    mirroredRegistries: ["https://ghcr.io"],
    registries: ["https://quay.io"],
    resolveTags: false,
    registryFilters: [":latest$"],
  });
  assert.equal(recent.run.get("--mirrored-registries"), "https://ghcr.io");
  assert.equal(recent.configure.get("--resolve-tags"), "false");
  assert.equal(recent.run.get("--resolve-tags"), "false");
  assert.equal(recent.run.get("--registry-filters"), ":latest$");
});

Deno.test("a whole file of Spegel's values installs Peili's image and says what has no effect", async () => {
  await using helm = await startHelm();
  const files = new Map(SPEGEL.map(({ name, values }) => [name, values]));
  const notes = async (name: string) => {
    const values = files.get(name);
    const image = objectOf(await helm.template(values), "DaemonSet", "peili")
      .spec.template.spec.containers[0].image;
    assert.match(image, /^ghcr\.io\/peili\/peili:/);
    // Only an installation shows the notes; so they are rendered as an object.
    return await notesOf(helm, values);
  };
  assert.match(
    await notes("Spegel 0.0.27"),
    /no effect:\n\n- spegel\.mirrorResolveTimeout\n.*- spegel\.visualize\n- grafanaDashboard: .*- spegel\.prependExisting.*- image: it is Spegel's/s,
  );
  assert.match(await notes("Spegel 0.7.4"), /- kvick\.nodeReadiness: /);
  const usual = await notesOf(helm, {});
  assert.doesNotMatch(usual, /no effect/);
  assert.match(usual, /Argo CD[^]*secret\.existingSecret/);
  const kept = await notesOf(helm, { secret: { existingSecret: "mine" } });
  assert.doesNotMatch(kept, /Argo CD/);
});

/** The notes of an installation, from a copy of the chart that prints them. */
async function notesOf(
  helm: {
    path: string;
    run: (args: string[], values: unknown) => Promise<string>;
  },
  values: unknown,
): Promise<string> {
  const chart = await Deno.makeTempDir({ dir: helm.path });
  await new Deno.Command("cp", { args: ["-r", `${CHART}/.`, chart] }).output();
  const notes = await Deno.readTextFile(`${chart}/templates/NOTES.txt`);
  await Deno.writeTextFile(
    `${chart}/templates/notes.yaml`,
    `{{- define "notes" }}${notes}{{ end }}\nnotes: {{ include "notes" . | toJson }}\n`,
  );
  const text = await helm.run(
    ["template", "peili", chart, "--show-only", "templates/notes.yaml"],
    values,
  );
  return JSON.parse(text.slice(text.indexOf('"')));
}

Deno.test("without containerdMirrorAdd nothing touches certs.d", async () => {
  await using helm = await startHelm();
  const objects = await helm.template({
    spegel: { containerdMirrorAdd: false },
  });
  const text = JSON.stringify(objects);
  assert.ok(!text.includes("certs.d"), text);
  assert.ok(!text.includes("helm.sh/hook"), text);
  const { spec } = objectOf(objects, "DaemonSet").spec.template;
  const names = spec.initContainers.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ["zone"]);
});

Deno.test.each([
  { version: "v1.27.3", asks: true },
  { version: "v1.34.1-eks-0a1b2c3", asks: true },
  { version: "v1.34.4", values: { zoneFromNode: false }, asks: false },
  { version: "v1.34.4", values: { zone: "a" }, asks: false },
  { version: "v1.35.0", asks: false },
  { version: "v1.35.2-gke.1", asks: false },
])(
  "a token and a right are there only where a pod needs them: $version $values",
  async ({ version, values = {}, asks }) => {
    await using helm = await startHelm();
    const args = ["--kube-version", version];
    const objects = await helm.template({ peili: values }, args);
    const all = (kind: string) => objects.filter((one) => one.kind === kind);
    assert.equal(all("ClusterRole").length, Number(asks));
    assert.equal(all("ClusterRoleBinding").length, Number(asks));
    const { spec } = objectOf(objects, "DaemonSet", "peili").spec.template;
    const names = spec.initContainers.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, asks ? ["configure", "zone"] : ["configure"]);
    const text = JSON.stringify(spec);
    assert.match(text, /"automountServiceAccountToken":false/);
    assert.equal(text.includes('"serviceAccountToken"'), asks);
    assert.equal(argumentsOf(objects, "peili").has("--zone-file"), asks);
    // What serves the network never has it.
    assert.doesNotMatch(JSON.stringify(spec.containers), /serviceaccount/);
    assert.match(
      JSON.stringify(spec.containers),
      values.zone
        ? /"PEILI_ZONE","value":"a"/
        : /"PEILI_ZONE","valueFrom":.*topology\.kubernetes\.io\/zone/,
    );
  },
);

Deno.test("the right is that of the pods' own service account, wherever it is", async () => {
  await using helm = await startHelm();
  const objects = await helm.template({
    namespaceOverride: "elsewhere",
    serviceAccount: { name: "mine" },
  });
  const name = "elsewhere.peili-zone";
  const role = objectOf(objects, "ClusterRole", name);
  const nodes = { apiGroups: [""], resources: ["nodes"], verbs: ["get"] };
  assert.deepEqual(role.rules, [nodes]);
  const { roleRef, subjects } = objectOf(objects, "ClusterRoleBinding", name);
  assert.equal(roleRef.name, name);
  assert.deepEqual(subjects, [
    { kind: "ServiceAccount", name: "mine", namespace: "elsewhere" },
  ]);
  const { spec } = objectOf(objects, "DaemonSet", "peili").spec.template;
  assert.equal(spec.serviceAccountName, "mine");
});

Deno.test("other nodes reach a pod at its own address, and find containerd's at the node's", async () => {
  await using helm = await startHelm();
  const objects = await helm.template();
  const { containers: [run] } = objectOf(objects, "DaemonSet", "peili").spec
    .template.spec;
  const paths = Object.fromEntries(
    // deno-lint-ignore no-explicit-any -- as the API describes it
    run.env.map(({ name, valueFrom }: any) => [
      name,
      valueFrom.fieldRef.fieldPath,
    ]),
  );
  assert.equal(paths.PEILI_PEER_IP, "status.podIP");
  assert.equal(paths.PEILI_NODE_IP, "status.hostIP");
});

Deno.test("other paths of a node are mounted where they are, and permitted", async () => {
  await using helm = await startHelm();
  const socket = "/run/k3s/containerd/containerd.sock";
  const hosts = "/var/lib/rancher/k3s/agent/etc/containerd/certs.d";
  const objects = await helm.template({
    peili: { containerdSock: socket, containerdRegistryConfigPath: hosts },
  });
  const { spec } = objectOf(objects, "DaemonSet", "peili").spec.template;
  const [{ command: configure, volumeMounts: [mount] }] = spec.initContainers;
  assert.ok(configure.includes(`--allow-write=${hosts}`), configure);
  assert.equal(mount.mountPath, hosts);
  const [{ command: run, volumeMounts }] = spec.containers;
  assert.ok(run.includes(`--allow-write=${socket},/var/lib/peili`), run);
  const content = "/var/lib/containerd/io.containerd.content.v1.content";
  assert.ok(
    run.includes(
      `--allow-read=${socket},${content},${hosts},/etc/peili,/var/lib/peili`,
    ),
    run,
  );
  const paths = volumeMounts.map(({ mountPath }: { mountPath: string }) =>
    mountPath
  );
  assert.ok(paths.includes("/run/k3s/containerd"), paths);
  const restore = objectOf(objects, "DaemonSet", "peili-restore").spec.template
    .spec;
  for (const container of [...restore.initContainers, ...restore.containers]) {
    assert.ok(container.command.includes(`--allow-write=${hosts}`));
    assert.equal(container.volumeMounts[0].mountPath, hosts);
  }
});

Deno.test("two releases share nothing that has a name", async () => {
  await using helm = await startHelm();
  const names = async (args: string[]) => {
    const text = await helm.run(["template", ...args, CHART]);
    const own = new Set<string>();
    const objects = objectsOf(text);
    for (const { kind, metadata } of objects) {
      own.add(`${kind} ${metadata.namespace}/${metadata.name}`);
    }
    const name = objects.find(({ kind }) => kind === "DaemonSet")?.metadata
      .name;
    const { spec } = objectOf(objects, "DaemonSet", name ?? "").spec.template;
    const flags = JSON.stringify(spec).matchAll(
      /--(?:deployment|network|dns-bootstrap-domain)=[^"]+|"path":"\/var\/lib\/peili\/[^"]+/g,
    );
    return [...own, ...[...flags].map(([flag]) => flag)];
  };
  const kept = ["--set", "peili.persistence.enabled=true"];
  const long = "x".repeat(53);
  const releases = await Promise.all([
    names(["a", "-n", "one", ...kept]),
    names(["b", "-n", "one", ...kept]),
    names(["a", "-n", "two", ...kept]),
    names([long, "-n", "one", ...kept]),
    names([`${long.slice(1)}y`, "-n", "one", ...kept]),
  ]);
  const all = releases.flat();
  assert.ok(releases.every((release) => release.length >= 14));
  assert.deepEqual(all.filter((name, at) => all.indexOf(name) !== at), []);
});

Deno.test("nodes of a release are the nodes that it restores", async () => {
  await using helm = await startHelm();
  const place = {
    nodeSelector: { pool: "a" },
    affinity: { nodeAffinity: {} },
    tolerations: [{ key: "only", operator: "Exists" }],
    imagePullSecrets: [{ name: "pull" }],
  };
  const objects = await helm.template(place);
  const specs = [
    objectOf(objects, "DaemonSet", "peili"),
    objectOf(objects, "DaemonSet", "peili-restore"),
  ].map(({ spec }) => spec.template.spec);
  for (const spec of specs) {
    const { nodeSelector, ...rest } = place;
    for (const [key, value] of Object.entries(rest)) {
      assert.deepEqual(spec[key], value, key);
    }
    assert.equal(spec.nodeSelector.pool, nodeSelector.pool);
    assert.equal(spec.priorityClassName, "system-node-critical");
  }
});

Deno.test("the pod that waits goes to any node, but not to one that cannot be reached", async () => {
  await using helm = await startHelm();
  const tolerations = [
    { operator: "Exists" },
    { effect: "NoExecute", operator: "Exists" },
    { key: "only", operator: "Exists" },
  ];
  const objects = await helm.template({
    nodeSelector: { pool: "a" },
    tolerations,
    cleanup: { tolerations: [{ key: "more", operator: "Exists" }] },
  });
  const { spec } = objectOf(objects, "Job").spec.template;
  assert.deepEqual(spec.nodeSelector, { "kubernetes.io/os": "linux" });
  assert.deepEqual(
    spec.tolerations.map(({ key }: { key: string }) => key),
    ["node-role.kubernetes.io/control-plane", "only", "more"],
  );
});

Deno.test("a Secret that somebody else keeps is used, and none is made", async () => {
  await using helm = await startHelm();
  const objects = await helm.template({ secret: { existingSecret: "mine" } });
  assert.ok(objects.every(({ kind }) => kind !== "Secret"));
  const { volumes } = objectOf(objects, "DaemonSet", "peili").spec.template
    .spec;
  const peers = volumes.find(({ name }: { name: string }) => name === "peers");
  assert.equal(peers.secret.secretName, "mine");
  // Rendered twice, it is the same: what compares renderings sees no change.
  const again = await helm.template({ secret: { existingSecret: "mine" } });
  assert.deepEqual(again, objects);
});
