/** The cluster's API over TLS, with a pod's token. @module */

import assert from "node:assert/strict";
import { kubeApi } from "../../src/kube/api.ts";
import { program } from "../program.ts";
import { daemonSet, fakeApi } from "./fake_api.ts";

const NEVER = new AbortController().signal;

Deno.test("kubeApi() asks with the pod's token, at a server that the pod's CA knows", async () => {
  await using fake = await fakeApi(() => ({ body: { kind: "X" } }));
  using api = await kubeApi(fake);
  assert.equal(api.namespace, "system");
  assert.deepEqual(await api.get("/api/v1/x", NEVER), { kind: "X" });
  assert.deepEqual(fake.requests, ["GET /api/v1/x Bearer t0ken"]);
});

Deno.test("kubeApi() trusts no other server", async () => {
  await using fake = await fakeApi(() => ({ body: {} }));
  // It is known as 127.0.0.1 only.
  using api = await kubeApi({ ...fake, host: "localhost" });
  await assert.rejects(api.get("/", NEVER));
  assert.deepEqual(fake.requests, []);
});

Deno.test.each([
  {
    status: 403,
    body: { message: "daemonsets.apps is forbidden" },
    says: "Cannot read /x: 403 daemonsets.apps is forbidden",
  },
  {
    status: 502,
    body: "bad gateway",
    says: 'Cannot read /x: 502 "bad gateway"',
  },
])("kubeApi() says what is answered: $says", async ({ says, ...answer }) => {
  await using fake = await fakeApi(() => answer);
  using api = await kubeApi(fake);
  await assert.rejects(api.get("/x", NEVER), { message: says });
});

Deno.test("kubeApi() says when this is no pod, or one without a token", async () => {
  await using fake = await fakeApi(() => ({ body: {} }));
  await assert.rejects(kubeApi({ ...fake, host: "" }), /so this is no pod/);
  await assert.rejects(
    kubeApi({ ...fake, serviceAccount: "/none" }),
    /the pod needs its service account's token/,
  );
});

Deno.test("peili wait ends with 0 when all nodes are done, and with 1 when time is up", async () => {
  await using fake = await fakeApi((question) => ({
    body: daemonSet({ nodes: 2, done: question === 0 ? 1 : 2 }),
  }));
  const args = ["wait", `--service-account=${fake.serviceAccount}`];
  const env = {
    KUBERNETES_SERVICE_HOST: fake.host,
    KUBERNETES_SERVICE_PORT: fake.port,
  };
  const permissions = ["-P=wait", `--allow-read=${fake.serviceAccount}`];
  const done = await program(args, { env, permissions });
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /"msg":"all nodes are done".*"done":2/);

  await using stuck = await fakeApi(() => ({
    body: daemonSet({ nodes: 2, done: 1 }),
  }));
  const failed = await program(
    ["wait", `--service-account=${stuck.serviceAccount}`, "--timeout=1"],
    {
      env: { ...env, KUBERNETES_SERVICE_PORT: stuck.port },
      permissions: ["-P=wait", `--allow-read=${stuck.serviceAccount}`],
    },
  );
  assert.equal(failed.code, 1);
  // A busy machine may not even ask within a second.
  assert.match(failed.stderr, /Cannot wait longer .* after 1 s\. /);
});
