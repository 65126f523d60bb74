/**
 * Whole pulls over real sockets: from a registry, from a mirror, and from what
 * is left when one of them fails.
 *
 * @module
 */

import assert from "node:assert/strict";
import { refusedAddress } from "../mirror/fake_peer.ts";
import { eventually } from "../suites/eventually.ts";
import {
  brokenAfter,
  described,
  fakeImage,
  fakeIndex,
  type Misbehaviour,
  piece,
  startRegistry,
} from "./fake_registry.ts";
import { pullTarget, type Target } from "./pulling.ts";

const IMAGE = fakeImage([200_000, 100, 3_000]);
const { manifest: MANIFEST, config: CONFIG, layers: LAYERS } = IMAGE;
const [LAYER] = LAYERS as [typeof CONFIG];
const TOTAL = IMAGE.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);

async function mustHaveAll(target: Target, pieces = IMAGE.pieces) {
  for (const { digest, bytes } of pieces) {
    assert.deepEqual(await target.blob(digest), bytes);
    assert.equal(await target.ingested(digest), 0);
  }
}

const is = (digest: string) => ({ url }: Request) => url.includes(digest);
const isLayer = is(LAYER.digest);

Deno.test("pullImage() asks a registry as containerd does", async () => {
  await using registry = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  const descriptor = await target.pull(registry.address);
  assert.deepEqual(descriptor, described(MANIFEST));
  await mustHaveAll(target);
  const { manifests } = await target.index();
  assert.deepEqual(manifests, [{
    ...described(MANIFEST),
    annotations: {
      "org.opencontainers.image.ref.name": `${registry.address}/app:v1`,
    },
  }]);
  assert.deepEqual(registry.requests.slice(0, 2), [
    "HEAD /v2/app/manifests/v1",
    `GET /v2/app/manifests/${MANIFEST.digest}`,
  ]);
  assert.deepEqual(
    registry.requests.slice(2).sort(),
    [CONFIG, ...LAYERS].map(({ digest }) => `GET /v2/app/blobs/${digest}`)
      .sort(),
  );
  assert.deepEqual(target.came, { registry: TOTAL });
});

Deno.test("pullImage() asks for nothing that is here already", async () => {
  await using registry = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  await target.pull(registry.address);
  registry.requests.length = 0;
  await target.pull(registry.address);
  assert.deepEqual(registry.requests, ["HEAD /v2/app/manifests/v1"]);
});

Deno.test("pullImage() takes all from a mirror, and tells it the registry", async () => {
  await using mirror = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  const registry = refusedAddress();
  await target.pull(registry, { mirror: mirror.address });
  await mustHaveAll(target);
  assert.equal(mirror.requests.length, 6);
  const ns = `?ns=${encodeURIComponent(registry)}`;
  for (const request of mirror.requests) assert.ok(request.endsWith(ns));
  assert.deepEqual(target.came, { mirror: TOTAL });
});

const NO_MIRROR: Record<string, Misbehaviour> = {
  "knows nothing": () => new Response(null, { status: 404 }),
  "is busy": () => new Response(null, { status: 503 }),
  "wants a password": () =>
    new Response(null, {
      status: 401,
      headers: { "WWW-Authenticate": "Basic" },
    }),
  "sends another part": (request, good) => {
    const { headers } = good(request);
    headers.set("Content-Range", "bytes 5-9/10");
    return new Response("12345", { status: 206, headers });
  },
  "compresses": (request, good) => {
    const { headers } = good(request);
    headers.set("Content-Encoding", "identity, x");
    return new Response("x", { headers });
  },
};

Deno.test.each(
  Object.entries(NO_MIRROR).map(([name, does]) => ({ name, does })),
)(
  "pullImage() goes to the registry when the mirror $name",
  async ({ does }) => {
    // The tag from the mirror, in so far as it can: what it refers to fails.
    await using mirror = startRegistry(
      IMAGE.pieces,
      (request, good) => request.method === "HEAD" ? null : does(request, good),
    );
    await using registry = startRegistry(IMAGE.pieces);
    await using target = await pullTarget();
    await target.pull(registry.address, { mirror: mirror.address });
    await mustHaveAll(target);
    assert.deepEqual(target.came, { registry: TOTAL });
    assert.equal(registry.requests.length, 5);
  },
);

Deno.test("pullImage() goes to the registry when nobody is at the mirror's address", async () => {
  await using registry = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  await target.pull(registry.address, { mirror: refusedAddress() });
  await mustHaveAll(target);
  assert.equal(registry.requests.length, 6);
  // Once, not for each of six requests.
  const [trouble = "", ...more] = target.troubles;
  assert.match(
    trouble,
    /^the mirror does not answer: .*; the registry is asked/,
  );
  assert.deepEqual(more, []);
});

Deno.test("pullImage() follows a mirror that sends it to the registry, and gives the credentials there only", async () => {
  const authorizations: Record<string, (string | null)[]> = {
    mirror: [],
    registry: [],
  };
  const heard = (who: string, { headers }: Request) =>
    authorizations[who]?.push(headers.get("Authorization"));
  await using registry = startRegistry(IMAGE.pieces, (request) => {
    heard("registry", request);
    if (request.headers.has("Authorization")) return null;
    const headers = { "WWW-Authenticate": 'Basic realm="x"' };
    return new Response(null, { status: 401, headers });
  });
  await using mirror = startRegistry(IMAGE.pieces, (request) => {
    heard("mirror", request);
    if (!isLayer(request)) return null;
    const { pathname } = new URL(request.url);
    const Location = `http://${registry.address}${pathname}`;
    return new Response(null, { status: 307, headers: { Location } });
  });
  await using target = await pullTarget();
  await target.pull(registry.address, {
    mirror: mirror.address,
    credentials: () =>
      Promise.resolve({ kind: "password", username: "me", password: "x:y" }),
  });
  await mustHaveAll(target);
  const { length } = LAYER.bytes;
  assert.deepEqual(target.came, { mirror: TOTAL - length, registry: length });
  assert.deepEqual(authorizations.registry, [null, `Basic ${btoa("me:x:y")}`]);
  assert.deepEqual(new Set(authorizations.mirror), new Set([null]));
});

Deno.test("pullImage() opens the ingest before it asks", async () => {
  const before: string[][] = [];
  await using target = await pullTarget();
  await using registry = startRegistry(IMAGE.pieces, (request) => {
    if (!isLayer(request)) return null;
    const refs = [...Deno.readDirSync(`${target.path}/ingest`)].map(
      ({ name }) => Deno.readTextFileSync(`${target.path}/ingest/${name}/ref`),
    );
    before.push(refs);
    return null;
  });
  await target.pull(registry.address);
  assert.ok(before[0]?.some((ref) => ref.endsWith(LAYER.digest)));
});

Deno.test("pullImage() goes on at the mirror when a body breaks, then at the registry", async () => {
  await using target = await pullTarget();
  await using registry = startRegistry(IMAGE.pieces);
  const cuts = [50_000, 120_000];
  await using mirror = startRegistry(IMAGE.pieces, (request, good) => {
    if (!isLayer(request) || request.method === "HEAD") return null;
    const end = cuts.shift();
    if (end === undefined) return new Response(null, { status: 404 });
    const start = /=(\d+)-/.exec(request.headers.get("Range") ?? "")?.[1] ?? 0;
    return brokenAfter(
      end - Number(start),
      good(request),
      () => target.untilIngested(LAYER.digest, end),
    );
  });
  await target.pull(registry.address, { mirror: mirror.address });
  await mustHaveAll(target);
  const asked = (requests: readonly string[]) =>
    requests.filter((request) => request.includes(LAYER.digest))
      .map((request) => request.split(" ").slice(2).join());
  assert.deepEqual(asked(mirror.requests), [
    "",
    "bytes=50000-",
    "bytes=120000-",
  ]);
  assert.deepEqual(asked(registry.requests), ["bytes=120000-"]);
  assert.equal(target.troubles.length, 2);
  assert.match(
    target.troubles[0] ?? "",
    /^the mirror failed at byte 50000 /,
  );
});

Deno.test("pullImage() skips what is here when a registry sends the whole again", async () => {
  await using target = await pullTarget();
  let broken = false;
  await using registry = startRegistry(IMAGE.pieces, (request, good) => {
    if (!isLayer(request)) return null;
    const whole = good(new Request(request.url));
    if (broken) return whole;
    broken = true;
    return brokenAfter(
      70_000,
      whole,
      () => target.untilIngested(LAYER.digest, 70_000),
    );
  });
  await target.pull(registry.address);
  await mustHaveAll(target);
  assert.deepEqual(target.came, { registry: TOTAL });
});

Deno.test("pullImage() that is stopped leaves what came to the next one", async () => {
  await using target = await pullTarget();
  const stop = new AbortController();
  let isFirst = true;
  await using registry = startRegistry(IMAGE.pieces, (request, good) => {
    if (!isLayer(request) || !isFirst) return null;
    isFirst = false;
    return brokenAfter(60_000, good(request), async () => {
      await target.untilIngested(LAYER.digest, 60_000);
      stop.abort();
    });
  });
  const { signal } = stop;
  await assert.rejects(target.pull(registry.address, { signal }), {
    name: "AbortError",
  });
  assert.equal(await target.ingested(LAYER.digest), 60_000);
  registry.requests.length = 0;
  await target.pull(registry.address);
  await mustHaveAll(target);
  assert.ok(
    registry.requests.includes(
      `GET /v2/app/blobs/${LAYER.digest} bytes=60000-`,
    ),
  );
});

/** A layer of the right size and other bytes. */
const wrong: Misbehaviour = (request, good) => {
  if (!isLayer(request)) return null;
  const { headers, status } = good(request);
  const bytes = new Uint8Array(LAYER.bytes.length);
  return new Response(bytes, { status, headers });
};

Deno.test("pullImage() takes from the registry what a mirror has wrong", async () => {
  await using mirror = startRegistry(IMAGE.pieces, wrong);
  await using registry = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  await target.pull(registry.address, { mirror: mirror.address });
  await mustHaveAll(target);
  assert.deepEqual(registry.requests, [`GET /v2/app/blobs/${LAYER.digest}`]);
  assert.match(
    target.troubles.join(),
    /Cannot commit .*; it is fetched anew from the registry/,
  );
});

Deno.test("pullImage() keeps nothing of what the registry itself has wrong", async () => {
  await using registry = startRegistry(IMAGE.pieces, wrong);
  await using target = await pullTarget();
  await assert.rejects(
    target.pull(registry.address),
    new RegExp(`Cannot commit ${LAYER.digest}: its bytes are others`),
  );
  assert.equal(await target.blob(LAYER.digest), null);
  assert.equal(await target.ingested(LAYER.digest), 0);
  await assert.rejects(target.index(), Deno.errors.NotFound);
});

Deno.test("pullImage() takes no more bytes than there are to be", async () => {
  await using registry = startRegistry(IMAGE.pieces, (request, good) => {
    if (!isLayer(request)) return null;
    const { headers } = good(request);
    headers.delete("Content-Length");
    const bytes = new Uint8Array(LAYER.bytes.length + 100_000);
    bytes.set(LAYER.bytes);
    return new Response(bytes, { headers });
  });
  await using target = await pullTarget();
  await target.pull(registry.address);
  await mustHaveAll(target);
});

Deno.test("pullImage() pulls three blobs at a time", async () => {
  const image = fakeImage([10, 20, 30, 40, 50, 60]);
  let running = 0;
  let most = 0;
  const all = Promise.withResolvers<void>();
  await using registry = startRegistry(image.pieces, (request, good) => {
    if (!request.url.includes("/blobs/")) return null;
    running++;
    most = Math.max(most, running);
    if (running === 3) all.resolve();
    return all.promise.then(() => {
      running--;
      return good(request);
    });
  });
  await using target = await pullTarget();
  await target.pull(registry.address);
  assert.equal(most, 3);
});

Deno.test("pullImage() ends the other layers when one cannot be had", async () => {
  const held = Promise.withResolvers<void>();
  await using registry = startRegistry(IMAGE.pieces, (request, good) => {
    if (isLayer(request)) {
      request.signal.addEventListener("abort", () => held.resolve());
      return held.promise.then(() => good(request));
    }
    if (!is(LAYERS[1]?.digest ?? "")(request)) return null;
    return new Response(null, { status: 404 });
  });
  await using target = await pullTarget();
  await assert.rejects(
    target.pull(registry.address),
    /Cannot get sha256:.* of app: nobody has it \(status 404\)/,
  );
});

const AMD64 = fakeImage([100], 2);
const ARM64 = fakeImage([200], 3);
const PROOF = fakeImage([300], 4);
const INDEX = fakeIndex([
  [AMD64.manifest, { platform: { os: "linux", architecture: "amd64" } }],
  [ARM64.manifest, { platform: { os: "linux", architecture: "arm64" } }],
  [PROOF.manifest, { platform: { os: "unknown", architecture: "unknown" } }],
]);
const SEVERAL = [INDEX, AMD64, ARM64, PROOF].flatMap((one) =>
  "pieces" in one ? one.pieces : [one]
);

Deno.test.each([
  { platform: "linux/arm64", has: ["arm64"] },
  { platform: "linux/amd64", has: ["amd64"] },
  { platform: "all", has: ["amd64", "arm64", "proof"] },
])("pullImage() pulls $platform of an index as $has", async (row) => {
  await using registry = startRegistry(SEVERAL);
  await using target = await pullTarget();
  const { platform } = row;
  const descriptor = await target.pull(registry.address, { platform });
  assert.deepEqual(descriptor, described(INDEX));
  const has: string[] = [];
  const images = { amd64: AMD64, arm64: ARM64, proof: PROOF };
  for (const [name, { pieces }] of Object.entries(images)) {
    const blobs = await Promise.all(
      pieces.map(({ digest }) => target.blob(digest)),
    );
    if (blobs.every((blob) => blob !== null)) has.push(name);
    else assert.ok(blobs.every((blob) => blob === null));
  }
  assert.deepEqual(has, row.has);
});

Deno.test("pullImage() names the platforms that there are", async () => {
  await using registry = startRegistry(SEVERAL);
  await using target = await pullTarget();
  await assert.rejects(
    target.pull(registry.address, { platform: "linux/s390x" }),
    /for linux\/s390x: it has linux\/amd64, linux\/arm64; choose one/,
  );
});

Deno.test("pullImage() tells a terminal nothing that is no platform's name", async () => {
  const index = fakeIndex([
    [AMD64.manifest, { platform: { os: "linux", architecture: "amd64" } }],
    [ARM64.manifest, { platform: { os: "\x1b[2J", architecture: "x" } }],
  ]);
  await using registry = startRegistry([index]);
  await using target = await pullTarget();
  await assert.rejects(
    target.pull(registry.address, { platform: "linux/s390x" }),
    /it has linux\/amd64; choose one/,
  );
});

Deno.test("pullImage() pulls all of an index of artifacts", async () => {
  const index = fakeIndex([[AMD64.manifest, {}], [ARM64.manifest, {}]]);
  const pieces = [index, ...AMD64.pieces, ...ARM64.pieces];
  await using registry = startRegistry(pieces);
  await using target = await pullTarget();
  await target.pull(registry.address);
  await mustHaveAll(target, pieces);
});

Deno.test("pullImage() leaves layers out that no registry has", async () => {
  const foreign = piece(
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    new Uint8Array(10),
  );
  const manifest = piece(MANIFEST.mediaType, {
    schemaVersion: 2,
    mediaType: MANIFEST.mediaType,
    config: described(CONFIG),
    layers: [described(foreign), described(LAYER), described(LAYER)],
  });
  await using registry = startRegistry([manifest, CONFIG, LAYER]);
  await using target = await pullTarget();
  await target.pull(registry.address);
  assert.equal(registry.requests.length, 4);
  await mustHaveAll(target, [manifest, CONFIG, LAYER]);
});

Deno.test("pullImage() pulls by digest, and no other content", async () => {
  await using registry = startRegistry(IMAGE.pieces);
  await using target = await pullTarget();
  const name = `app:v9@${MANIFEST.digest}`;
  await target.pull(registry.address, { name });
  await mustHaveAll(target);
  await target.pull(registry.address, { name });
  // Nobody said what the tag stands for; and it is listed once.
  const { manifests } = await target.index();
  assert.deepEqual(manifests, [described(MANIFEST)]);
  assert.equal(
    registry.requests[0],
    `HEAD /v2/app/manifests/${MANIFEST.digest}`,
  );
  await using liar = startRegistry(
    IMAGE.pieces,
    (request, good) =>
      good(new Request(request.url.replace(/sha256:.*/, "v1"), request)),
  );
  const other = `app:v9@${CONFIG.digest}`;
  await assert.rejects(
    target.pull(liar.address, { name: other }),
    /sent something else/,
  );
});

Deno.test("pullImage() asks by GET when HEAD says too little", async () => {
  await using registry = startRegistry(IMAGE.pieces, (request, good) => {
    const { status, headers, body } = good(request);
    headers.delete("Docker-Content-Digest");
    return new Response(body, { status, headers });
  });
  await using target = await pullTarget();
  await target.pull(registry.address);
  await mustHaveAll(target);
  assert.equal(registry.requests[1], "GET /v2/app/manifests/v1");
});

const REFUSED: { status: number; says: RegExp }[] = [
  { status: 404, says: /there is no such image \(status 404\)/ },
  { status: 401, says: /other credentials \(docker login\) \(status 401\)/ },
  { status: 429, says: /too many requests; .* \(status 429\)/ },
];

Deno.test.each(REFUSED)(
  "pullImage() says what to do about a $status of the tag",
  async ({ status, says }) => {
    await using registry = startRegistry(
      [],
      () => new Response(null, { status }),
    );
    await using target = await pullTarget();
    await assert.rejects(target.pull(registry.address), says);
  },
);

Deno.test("pullImage() tries a registry again that is busy for a moment", async () => {
  let busy = 2;
  await using registry = startRegistry(IMAGE.pieces, (request) => {
    if (!isLayer(request) || busy === 0) return null;
    busy--;
    return new Response(null, { status: 503 });
  });
  await using target = await pullTarget();
  await target.pull(registry.address);
  await mustHaveAll(target);
  await eventually("it was busy twice", () => busy === 0);
});
