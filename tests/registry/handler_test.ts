/**
 * What the registry answers: every row of the contract, GET and HEAD.
 *
 * @module
 */

import assert from "node:assert/strict";
import { filtered, firstOf } from "../../src/content/combine.ts";
import { contentFilter } from "../../src/content/filter.ts";
import { memoryStore } from "../../src/content/memory.ts";
import type { ContentSource } from "../../src/content/source.ts";
import { RegistryError } from "../../src/oci/error.ts";
import { registryHandler } from "../../src/registry/handler.ts";
import {
  ABSENT,
  always,
  BLOB,
  BLOB_DIGEST,
  filledStore,
  MANIFEST,
  MANIFEST_DIGEST,
  MANIFEST_TYPE,
  NOTHING,
  TAGGED,
} from "./contents.ts";
import { type Listener, listener } from "./listener.ts";

/** Hides nothing. */
const OPEN = {
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
};

const NS = "?ns=docker.io";
const APP = "/v2/library/app";

/** As the mirror listener is wired: this node's content, then the cluster. */
function mirror(cluster: ContentSource, local = NOTHING): Listener {
  const source = firstOf(local, cluster);
  return listener("mirror", registryHandler(source, { elsewhere: "mirror" }));
}

/** As the peer listener is wired: this node's content alone. */
function peer(local: ContentSource = filledStore()): Listener {
  return listener("peer", registryHandler(local));
}

function withCode(code: string, message: string, detail?: unknown): string {
  const error = detail === undefined
    ? { code, message }
    : { code, detail, message };
  return JSON.stringify({ errors: [error] });
}

/** Asks by GET and by HEAD; the answers must be the same but for the body. */
async function mustRefuse(
  asked: Listener,
  path: string,
  { status, body }: { status: number; body: string },
): Promise<void> {
  const get = await asked.ask("GET", path);
  const head = await asked.ask("HEAD", path);
  assert.equal(get.status, status);
  assert.equal(await get.text(), body);
  assert.equal(get.headers.get("Content-Type"), "application/json");
  assert.equal(get.headers.get("Content-Length"), String(body.length));
  assert.equal(head.status, status);
  assert.equal(head.body, null);
  assert.deepEqual([...head.headers], [...get.headers]);
}

Deno.test.each([
  { path: "/v2/x", code: "NAME_INVALID", says: "no such endpoint: /v2/x" },
  {
    path: `/v2/Upper/blobs/${BLOB_DIGEST}`,
    code: "NAME_INVALID",
    says: "invalid name: Upper",
  },
  {
    path: `/v2/a%2Fb/blobs/${BLOB_DIGEST}`,
    code: "NAME_INVALID",
    says: "invalid name: a%2Fb",
  },
  {
    path: `${APP}/blobs/sha256:12`,
    code: "DIGEST_INVALID",
    says: "invalid digest: sha256:12",
  },
  {
    path: `${APP}/blobs/md5:900150983cd24fb0d6963f7d28e17f72`,
    code: "DIGEST_INVALID",
    says: "invalid digest: md5:900150983cd24fb0d6963f7d28e17f72",
  },
  {
    path: `${APP}/blobs/v1${NS}`,
    code: "DIGEST_INVALID",
    says: "invalid digest: v1",
  },
  {
    path: `${APP}/manifests/sha256:12${NS}`,
    code: "DIGEST_INVALID",
    says: "invalid digest: sha256:12",
  },
  {
    path: `${APP}/manifests/.v1${NS}`,
    code: "NAME_INVALID",
    says: "invalid tag: .v1",
  },
  {
    path: `${APP}/manifests/%E0%A4%A${NS}`,
    code: "NAME_INVALID",
    says: "invalid tag: %E0%A4%A",
  },
  {
    path: `${APP}/blobs/${BLOB_DIGEST}?ns=http%3A%2F%2Fx`,
    code: "NAME_INVALID",
    says: "invalid registry: ns=http://x",
  },
  {
    path: `${APP}/tags/list${NS}`,
    code: "UNSUPPORTED",
    says: `${APP}/tags/list is not served`,
  },
  {
    path: `${APP}/referrers/${BLOB_DIGEST}`,
    code: "UNSUPPORTED",
    says: `${APP}/referrers/${BLOB_DIGEST} is not served`,
  },
  {
    path: "/v2/_catalog",
    code: "UNSUPPORTED",
    says: "/v2/_catalog is not served",
  },
])("registryHandler() answers $path with 404 $code", async (row) => {
  const body = withCode(row.code, row.says);
  const asked = mirror(NOTHING, filledStore());
  await mustRefuse(asked, row.path, { status: 404, body });
});

Deno.test.each([
  { path: `${APP}/blobs/${ABSENT}`, code: "BLOB_UNKNOWN", key: ABSENT },
  {
    path: `${APP}/manifests/${ABSENT}${NS}`,
    code: "MANIFEST_UNKNOWN",
    key: ABSENT,
  },
  {
    path: `${APP}/manifests/v2${NS}`,
    code: "MANIFEST_UNKNOWN",
    key: "docker.io/library/app:v2",
  },
  {
    path: `${APP}/manifests/v1?ns=10.99.0.2%3A5000`,
    code: "MANIFEST_UNKNOWN",
    key: "10.99.0.2:5000/library/app:v1",
  },
  // The wrong kind is not here as that kind.
  {
    path: `${APP}/blobs/${MANIFEST_DIGEST}`,
    code: "BLOB_UNKNOWN",
    key: MANIFEST_DIGEST,
  },
])(
  "registryHandler() says that no peer has $path",
  async ({ path, code, key }) => {
    const message = `could not find peer for ${key}`;
    const body = withCode(code, message, { attempts: 0 });
    await mustRefuse(mirror(NOTHING, filledStore()), path, {
      status: 404,
      body,
    });
  },
);

Deno.test.each([
  {
    path: `${APP}/blobs/${MANIFEST_DIGEST}`,
    body: withCode("BLOB_UNKNOWN", `could not get blob ${MANIFEST_DIGEST}`),
  },
  {
    path: `${APP}/manifests/${BLOB_DIGEST}`,
    body: withCode("MANIFEST_UNKNOWN", `could not get manifest ${BLOB_DIGEST}`),
  },
  {
    path: `${APP}/manifests/v2${NS}`,
    body: withCode(
      "MANIFEST_UNKNOWN",
      "could not get digest for image tag docker.io/library/app:v2",
    ),
  },
])("registryHandler() of a peer says what is not here: $path", async (row) => {
  await mustRefuse(peer(), row.path, { status: 404, body: row.body });
});

Deno.test("registryHandler() passes on how many peers failed", async () => {
  const error = new RegistryError("BLOB_UNKNOWN", "all failed", {
    detail: { attempts: 3 },
  });
  await mustRefuse(
    mirror(always(() => Promise.reject(error))),
    `${APP}/blobs/${ABSENT}`,
    {
      status: 404,
      body: withCode("BLOB_UNKNOWN", "all failed", { attempts: 3 }),
    },
  );
});

Deno.test("registryHandler() answers a fault with 503 and hides it", async () => {
  const fault = always(() => Promise.reject(new Error("a secret")));
  await mustRefuse(mirror(fault), `${APP}/blobs/${ABSENT}`, {
    status: 503,
    body: withCode("UNAVAILABLE", "try another host"),
  });
});

Deno.test.each([
  { name: "registry", mirroredRegistries: ["ghcr.io"] },
  { name: "repository", registryFilters: [/^docker\.io\/library\//] },
])("registryHandler() does not see a filtered $name", async (options) => {
  const filter = contentFilter({ ...OPEN, ...options });
  const asked = mirror(filtered(filledStore(), filter));
  for (const reference of ["v1", MANIFEST_DIGEST]) {
    for (
      const path of [
        `${APP}/manifests/${reference}${NS}`,
        `${APP}/manifests/${reference}`,
        `/v2/docker.io/library/app/manifests/${reference}`,
        `/v2/app/manifests/${reference}`,
      ]
    ) {
      const answer = await asked.ask("GET", path);
      assert.equal(answer.status, 404, path);
      assert.match(await answer.text(), /"MANIFEST_UNKNOWN"/);
    }
  }
});

Deno.test.each([
  { name: "tags", resolveTags: false, status: 404 },
  { name: "the tag latest", resolveLatestTag: false, status: 200 },
])("registryHandler() tells plain clients no $name either", async (options) => {
  const filter = contentFilter({ ...OPEN, ...options });
  const store = filledStore();
  store.tag(TAGGED.replace(":v1", ":latest"), MANIFEST_DIGEST);
  const asked = mirror(filtered(store, filter));
  const ask = async (tag: string) =>
    (await asked.ask("HEAD", `/v2/docker.io/library/app/manifests/${tag}`))
      .status;
  assert.deepEqual([await ask("v1"), await ask("latest")], [
    options.status,
    404,
  ]);
});

Deno.test("registryHandler() does not take a name without a registry for one with it", async () => {
  const store = memoryStore();
  // As ctr may name an image; no registry is called `library`.
  store.tag("library/app:v1", store.put(MANIFEST));
  const status = async (path: string) =>
    (await peer(store).ask("HEAD", path)).status;
  assert.equal(await status("/v2/library/app/manifests/v1"), 404);
  assert.equal(await status("/v2/app/manifests/v1?ns=library"), 200);
});

Deno.test.each(["/v2/", "/v2"])(
  "registryHandler() answers %s",
  async (path) => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await peer().ask(method, path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("Content-Length"), "0");
      assert.equal(await answer.text(), "");
    }
  },
);

Deno.test.each([
  { path: `${APP}/blobs/${BLOB_DIGEST}`, is: BLOB },
  { path: `${APP}/blobs/${BLOB_DIGEST}${NS}`, is: BLOB },
  { path: `${APP}/blobs/${BLOB_DIGEST.replace(":", "%3A")}`, is: BLOB },
  { path: `/v2/blobs/blobs/blobs/${BLOB_DIGEST}`, is: BLOB },
  { path: `/v2/docker.io/library/app/blobs/${BLOB_DIGEST}`, is: BLOB },
  { path: `${APP}/manifests/${MANIFEST_DIGEST}`, is: MANIFEST },
  { path: `${APP}/manifests/v1${NS}`, is: MANIFEST },
  { path: `${APP}/manifests/v1`, is: MANIFEST },
  { path: "/v2/app/manifests/v1", is: MANIFEST },
  { path: "/v2/docker.io/library/app/manifests/v1", is: MANIFEST },
])("registryHandler() serves $path", async ({ path, is }) => {
  const get = await peer().ask("GET", path);
  const head = await peer().ask("HEAD", path);
  assert.equal(get.status, 200);
  assert.equal(await get.text(), is);
  const isBlob = is === BLOB;
  const headers = {
    "accept-ranges": "bytes",
    "content-length": String(is.length),
    "content-type": isBlob ? "application/octet-stream" : MANIFEST_TYPE,
    "docker-content-digest": isBlob ? BLOB_DIGEST : MANIFEST_DIGEST,
    ...(path.endsWith(NS) ? { "oci-namespace": "docker.io" } : {}),
  };
  assert.deepEqual(Object.fromEntries(get.headers), headers);
  assert.equal(head.status, 200);
  assert.equal(head.body, null);
  assert.deepEqual(Object.fromEntries(head.headers), headers);
});

Deno.test("registryHandler() opens nothing for a HEAD", async () => {
  const store = filledStore();
  const shut: ContentSource = {
    ...store,
    open: () => Promise.reject(new Error("opened")),
  };
  const answer = await peer(shut).ask("HEAD", `${APP}/blobs/${BLOB_DIGEST}`);
  assert.equal(answer.status, 200);
});

Deno.test("registryHandler() asks the cluster when its own disk fails", async () => {
  const broken = always(() => Promise.reject(new Error("no such file")));
  const asked = mirror(filledStore(), broken);
  const answer = await asked.ask("GET", `${APP}/blobs/${BLOB_DIGEST}`);
  assert.equal(await answer.text(), BLOB);
});
