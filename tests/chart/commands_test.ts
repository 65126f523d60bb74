/**
 * Each container's command as the chart has it: with its permissions, its mounts
 * and as its user it does its work, from the bundle, in a root of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path/posix";
import { daemonSet, type FakeApi, fakeApi, nodeIn } from "../kube/fake_api.ts";
import { temporaryFolder } from "../hosts/temporary_folder.ts";
import { follow, type Program } from "../program.ts";
import { type Image, makeImage } from "./container.ts";
import { type KubeObject, objectOf, startHelm } from "./helm.ts";
import { commandOf, mountsOf, variablesOf } from "./volumes.ts";

/** A pod that somebody runs by hand. */
interface PodPlace {
  readonly pod: KubeObject;
  readonly image: Image;
  readonly api: FakeApi;
  /** The node's root file system, and the pod's own folder. */
  readonly nodeRoot: string;
  readonly podFolder: string;
}

/** A pod of a workload that the chart makes, on the node a1. */
function podOf(objects: readonly KubeObject[], kind: string, name: string) {
  const { spec: { template } } = objectOf(objects, kind, name);
  const metadata = { ...template.metadata, name: "pod", namespace: "system" };
  return { ...template, metadata, spec: { ...template.spec, nodeName: "a1" } };
}

/** Starts a container of the pod; one that is alone has loopback to itself. */
async function start(
  { pod, image, api, nodeRoot, podFolder }: PodPlace,
  name: string,
  { alone = false } = {},
): Promise<Program> {
  const { initContainers = [], containers } = pod.spec;
  const container = [...initContainers, ...containers]
    .find((one) => one.name === name);
  const addresses = { hostIP: "10.1.0.1", podIP: "10.244.0.1" };
  const variables = variablesOf(pod, container, addresses);
  const { runAsUser, runAsGroup } = container.securityContext;
  return follow(image.start({
    argv: commandOf(container, variables),
    env: {
      ...variables,
      KUBERNETES_SERVICE_HOST: api.host,
      KUBERNETES_SERVICE_PORT: api.port,
    },
    mounts: await mountsOf(pod, container, {
      nodeRoot,
      podFolder,
      token: () => Promise.resolve("t0ken"),
      ca: `${api.serviceAccount}/ca.crt`,
      secret: () => Promise.resolve({ secret: "x".repeat(64) }),
    }),
    user: runAsUser,
    group: runAsGroup,
    alone,
  }));
}

/** Runs one that has an end, and gives its log. */
async function finish(place: PodPlace, name: string): Promise<string> {
  await using container = await start(place, name);
  const { code, stderr } = await container.ended;
  assert.equal(code, 0, `${name}: ${stderr}`);
  assert.doesNotMatch(stderr, /"level":"(?:warn|error)"/, name);
  return stderr;
}

/** Starts one that stays, until it has said something, and ends it. */
async function live(
  place: PodPlace,
  name: string,
  says: readonly string[],
): Promise<string> {
  await using container = await start(place, name, { alone: true });
  for (const msg of says) await container.line(msg);
  container.stop();
  const { code, stderr } = await container.ended;
  assert.equal(code, 0, `${name}: ${stderr}`);
  assert.doesNotMatch(stderr, /Requires|NotCapable|PermissionDenied/, name);
  return stderr;
}

const K3S = "/var/lib/rancher/k3s/agent";

const CASES = [
  {
    name: "no values",
    values: {},
    hosts: "/etc/containerd/certs.d",
  },
  {
    name: "other paths, and an identity that is kept",
    values: {
      peili: {
        containerdSock: "/run/k3s/containerd/containerd.sock",
        containerdContentPath:
          `${K3S}/containerd/io.containerd.content.v1.content`,
        containerdRegistryConfigPath: `${K3S}/etc/containerd/certs.d`,
        persistence: { enabled: true },
      },
    },
    hosts: `${K3S}/etc/containerd/certs.d`,
  },
];

Deno.test("the chart's commands work as they are", async (t) => {
  await using image = await makeImage();
  await using helm = await startHelm();
  for (const { name, values, hosts } of CASES) {
    await t.step(name, async () => {
      await using folder = await temporaryFolder({});
      await using api = await fakeApi((_, path) =>
        path.includes("/nodes/")
          ? { body: nodeIn("z1") }
          : { body: daemonSet({ nodes: 1, done: 1 }) }
      );
      const objects = await helm.template(values);
      const place = {
        image,
        api,
        nodeRoot: join(folder.path, "node"),
        podFolder: join(folder.path, "pod"),
      };
      const hostsToml = join(place.nodeRoot, hosts, "_default/hosts.toml");
      const mirror = { ...place, pod: podOf(objects, "DaemonSet", "peili") };
      await finish(mirror, "configure");
      assert.match(await Deno.readTextFile(hostsToml), /10\.1\.0\.1:30020/);
      assert.match(await finish(mirror, "zone"), /"zone":"z1"/);
      // It has no containerd here, and says so: then it has looked around.
      const log = await live(mirror, "peili", ["running", "doctor: problem"]);
      assert.match(log, /"msg":"running".*"zone":"z1"/);

      const pod = podOf(objects, "DaemonSet", "peili-restore");
      const restoring = { ...place, pod };
      await finish(restoring, "restore");
      await assert.rejects(Deno.stat(hostsToml), Deno.errors.NotFound);
      await live(restoring, "done", ["staying"]);
      const job = podOf(objects, "Job", "peili-restore");
      await finish({ ...place, pod: withToken(job) }, "wait");
    });
  }
});

/** What the API server adds to a pod that wants its token mounted. */
function withToken(pod: KubeObject): KubeObject {
  const name = "kube-api-access";
  const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
  const [container] = pod.spec.containers;
  const fieldRef = { fieldPath: "metadata.namespace" };
  const sources = [
    { serviceAccountToken: { path: "token" } },
    { configMap: { items: [{ path: "ca.crt" }] } },
    { downwardAPI: { items: [{ path: "namespace", fieldRef }] } },
  ];
  const volumeMounts = [{ name, mountPath, readOnly: true }];
  const containers = [{ ...container, volumeMounts }];
  const volumes = [{ name, projected: { sources } }];
  return { ...pod, spec: { ...pod.spec, containers, volumes } };
}
