/**
 * One peer over real sockets: what it may answer, and what is done about it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { peerSource } from "../../src/mirror/peer.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { RegistryError } from "../../src/oci/error.ts";
import { parseRequest } from "../../src/oci/request.ts";
import {
  type Answer,
  fakeContent,
  goodAnswer,
  httpPeer,
  pathOf,
  rawPeer,
  refusedAddress,
} from "./fake_peer.ts";

const CONTENT = fakeContent(20);
const { request: REQUEST, digest: DIGEST, bytes: BYTES } = CONTENT;
const { signal } = new AbortController();

const good: Answer = (request) => goodAnswer(CONTENT, request);

/** A good answer with other headers; an empty one is taken away. */
function butWith(
  changed: Record<string, string>,
  body?: (bytes: Uint8Array<ArrayBuffer>) => BodyInit | null,
): Answer {
  return async (request) => {
    const answer = goodAnswer(CONTENT, request);
    for (const [name, value] of Object.entries(changed)) {
      if (value) answer.headers.set(name, value);
      else answer.headers.delete(name);
    }
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const { status, headers } = answer;
    return new Response(body ? body(bytes) : bytes, { status, headers });
  };
}

Deno.test("peerSource() opens what a peer has", async () => {
  await using peer = httpPeer(good);
  const source = peerSource({ address: peer.address });
  const open = await source.open(REQUEST, { signal });
  assert.ok(open);
  assert.deepEqual(open.descriptor, {
    mediaType: "application/octet-stream",
    digest: DIGEST,
    size: 20,
  });
  assert.equal(open.range, null);
  assert.equal(open.from, peer.address);
  assert.deepEqual(await new Response(open.body).bytes(), BYTES);
  assert.deepEqual(peer.requests, [`GET ${pathOf(REQUEST)}`]);
});

Deno.test("peerSource() opens a part of what a peer has", async () => {
  await using peer = httpPeer(good);
  const source = peerSource({ address: peer.address });
  const range = { start: 5, end: 7 };
  const open = await source.open(REQUEST, { signal, range });
  assert.deepEqual(open?.range, range);
  assert.equal(open?.descriptor.size, 20);
  assert.deepEqual(await new Response(open?.body).bytes(), BYTES.slice(5, 8));
  assert.deepEqual(peer.requests, [`GET ${pathOf(REQUEST)} bytes=5-7`]);
});

Deno.test("peerSource() tells a peer that there was no ns", async () => {
  await using peer = httpPeer(good);
  const source = peerSource({ address: peer.address });
  const plain = { ...REQUEST, registry: "10.0.0.1:5000", plain: true };
  await source.stat(plain, { signal });
  const [asked = ""] = peer.requests;
  const [method = "", path = ""] = asked.split(" ");
  const { pathname, search } = new URL(path, "http://peer");
  assert.equal(search, "");
  assert.deepEqual(
    parseRequest(method, new URL(pathname, "http://peer")),
    plain,
  );
});

Deno.test("peerSource() asks for the bytes as they are", async () => {
  const asked: Headers[] = [];
  await using peer = httpPeer((request) => {
    asked.push(request.headers);
    return good(request);
  });
  const source = peerSource({ address: peer.address });
  await source.stat(REQUEST, { signal });
  await source.stat({ ...REQUEST, kind: "manifest" }, { signal });
  const [blob, manifest] = asked;
  assert.equal(blob?.get("Accept-Encoding"), "identity");
  assert.equal(blob?.get("Accept"), "*/*");
  assert.match(manifest?.get("Accept") ?? "", /oci\.image\.index\.v1\+json/);
  assert.equal(blob?.get("Authorization"), null);
});

Deno.test("peerSource() leaves ns out when the registry is not known", async () => {
  await using peer = httpPeer(good);
  const { kind, repository, digest } = REQUEST;
  const source = peerSource({ address: peer.address });
  await source.stat({ kind, repository, digest }, { signal });
  assert.deepEqual(peer.requests, [`HEAD /v2/library/app/blobs/${DIGEST}`]);
});

Deno.test("peerSource() resolves a tag by HEAD", async () => {
  await using peer = httpPeer(good);
  const located = await peerSource({ address: peer.address }).resolve(
    { registry: "10.0.0.1:5000", repository: "library/app", tag: "v1" },
    { signal },
  );
  assert.equal(located?.digest, DIGEST);
  assert.equal(located?.from, peer.address);
  assert.deepEqual(peer.requests, [
    "HEAD /v2/library/app/manifests/v1?ns=10.0.0.1%3A5000",
  ]);
});

Deno.test("peerSource() takes 404 for 'not here'", async () => {
  await using peer = httpPeer(() => new Response("no", { status: 404 }));
  const source = peerSource({ address: peer.address });
  const tag = { registry: "docker.io", repository: "a", tag: "v1" };
  assert.equal(await source.open(REQUEST, { signal }), null);
  assert.equal(await source.stat(REQUEST, { signal }), null);
  assert.equal(await source.resolve(tag, { signal }), null);
});

const redirect: Answer = () =>
  new Response(null, { status: 307, headers: { Location: "/elsewhere" } });

const BAD: { name: string; answer: Answer; says: RegExp }[] = [
  ...[401, 403, 429, 500, 503].map((status) => ({
    name: `status ${status}`,
    answer: () => new Response("no", { status }),
    says: new RegExp(`status ${status}$`),
  })),
  { name: "a redirect", answer: redirect, says: /status 307$/ },
  {
    name: "another digest",
    answer: butWith({ "Docker-Content-Digest": digestOf("other") }),
    says: /it sent another digest$/,
  },
  {
    name: "no digest",
    answer: butWith({ "Docker-Content-Digest": "" }),
    says: /its headers say too little$/,
  },
  {
    name: "no media type",
    answer: butWith({ "Content-Type": "" }),
    says: /its headers say too little$/,
  },
  {
    name: "a Content-Encoding",
    answer: butWith({ "Content-Encoding": "x-other" }),
    says: /its headers say too little$/,
  },
  {
    name: "no length",
    answer: butWith(
      { "Content-Length": "" },
      (bytes) => ReadableStream.from([bytes]),
    ),
    says: /its headers say too little$/,
  },
  {
    name: "416 without a range",
    answer: () => new Response(null, { status: 416 }),
    says: /refuses a range for no reason$/,
  },
];

Deno.test.each(BAD)("peerSource() does not use $name", async (row) => {
  await using peer = httpPeer(row.answer);
  const source = peerSource({ address: peer.address });
  await assert.rejects(source.open(REQUEST, { signal }), row.says);
  // Followed, a redirect would have been a second request.
  assert.equal(peer.requests.length, 1);
});

const OTHER_PARTS: { name: string; range: object; says?: string }[] = [
  { name: "the whole for an offset", range: { start: 5 } },
  { name: "another start", range: { start: 5 }, says: "bytes 4-19/20" },
  { name: "an earlier end", range: { start: 5 }, says: "bytes 5-18/20" },
  {
    name: "a later end",
    range: { start: 5, end: 7 },
    says: "bytes 5-19/20",
  },
  { name: "a broken Content-Range", range: { start: 5 }, says: "bytes */20" },
  { name: "another suffix", range: { suffix: 3 }, says: "bytes 5-19/20" },
  { name: "a part nobody asked for", range: {}, says: "bytes 0-4/20" },
];

Deno.test.each(OTHER_PARTS)("peerSource() does not use $name", async (row) => {
  await using peer = httpPeer(() => {
    const answer = butWith(row.says ? { "Content-Range": row.says } : {});
    // As if nothing had been asked; with a Content-Range it is 206.
    const whole = goodAnswer(CONTENT, new Request("http://x/"));
    return row.says
      ? new Response("some bytes", {
        status: 206,
        headers: {
          ...Object.fromEntries(whole.headers),
          "Content-Range": row.says,
          "Content-Length": "10",
        },
      })
      : answer(new Request("http://x/"));
  });
  const source = peerSource({ address: peer.address });
  const range = "start" in row.range || "suffix" in row.range
    ? row.range as { start: number }
    : undefined;
  await assert.rejects(
    source.open(REQUEST, { signal, range }),
    /(sent another part|say too little)$/,
  );
});

Deno.test("peerSource() takes the whole for a range from the beginning", async () => {
  await using peer = httpPeer(() =>
    goodAnswer(CONTENT, new Request("http://x/"))
  );
  const open = await peerSource({ address: peer.address })
    .open(REQUEST, { signal, range: { start: 0 } });
  assert.equal(open?.range, null);
  assert.deepEqual(await new Response(open?.body).bytes(), BYTES);
});

Deno.test.each(
  [
    { name: "a start at the end", range: { start: 20 }, size: "bytes */20" },
    { name: "an empty suffix", range: { suffix: 0 }, size: "bytes */20" },
    { name: "a suffix of nothing", range: { suffix: 5 }, size: "bytes */0" },
  ] as const,
)("peerSource() passes on 416 for $name", async ({ range, size }) => {
  await using peer = httpPeer(() =>
    new Response("no", { status: 416, headers: { "Content-Range": size } })
  );
  const source = peerSource({ address: peer.address });
  await assert.rejects(
    source.open(REQUEST, { signal, range }),
    (error) =>
      error instanceof RegistryError && error.code === "RANGE_INVALID" &&
      error.headers["Content-Range"] === size,
  );
});

Deno.test("peerSource() does not believe a 416 that makes no sense", async () => {
  await using peer = httpPeer(() =>
    new Response("no", {
      status: 416,
      headers: { "Content-Range": "bytes */20" },
    })
  );
  const source = peerSource({ address: peer.address });
  await assert.rejects(
    source.open(REQUEST, { signal, range: { start: 5 } }),
    (error) => !(error instanceof RegistryError),
  );
});

Deno.test("peerSource() rejects when nobody listens", async () => {
  const source = peerSource({ address: refusedAddress() });
  await assert.rejects(source.open(REQUEST, { signal }));
});

Deno.test("peerSource() rejects when a peer closes before its headers", async () => {
  await using peer = rawPeer("");
  const source = peerSource({ address: peer.address });
  await assert.rejects(source.open(REQUEST, { signal }));
});

Deno.test("peerSource() leaves a peer that never answers when told to", async () => {
  await using peer = rawPeer(null);
  const leave = new AbortController();
  const source = peerSource({ address: peer.address });
  const opening = source.open(REQUEST, { signal: leave.signal });
  leave.abort();
  await assert.rejects(opening, { name: "AbortError" });
});

Deno.test("peerSource() gives a body that breaks when the peer is short", async () => {
  await using peer = rawPeer(
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n" +
      `Docker-Content-Digest: ${DIGEST}\r\nContent-Length: 20\r\n\r\n12345`,
  );
  const source = peerSource({ address: peer.address });
  const open = await source.open(REQUEST, { signal });
  assert.equal(open?.descriptor.size, 20);
  await assert.rejects(new Response(open?.body).bytes());
});

Deno.test("peerSource() opens content without bytes", async () => {
  const empty = fakeContent(0);
  await using peer = httpPeer((request) => goodAnswer(empty, request));
  const source = peerSource({ address: peer.address });
  const open = await source.open(empty.request, { signal });
  assert.equal(open?.descriptor.size, 0);
  assert.equal((await new Response(open?.body).bytes()).length, 0);
});
