/**
 * Peers that do what a test says: over HTTP, on a bare connection where HTTP
 * servers are too well-behaved, and without any socket.
 *
 * @module
 */

import type { ContentRequest } from "../../src/oci/request.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";

/** A peer that listens on a free port. */
export interface FakePeer extends AsyncDisposable {
  readonly address: string;
  /** What it was asked, `METHOD path range`. */
  readonly requests: string[];
}

/** Answers one request. */
export type Answer = (request: Request) => Response | Promise<Response>;

/** Writes a request as tests compare it. */
export function describeRequest({ method, url, headers }: Request): string {
  const { pathname, search } = new URL(url);
  const range = headers.get("Range");
  return `${method} ${pathname}${search}${range ? ` ${range}` : ""}`;
}

/** Starts a peer that speaks HTTP. */
export function httpPeer(answer: Answer): FakePeer {
  const requests: string[] = [];
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
      // Bodies break on purpose; nobody needs to read of it.
      onError: () => new Response(null, { status: 500 }),
    },
    (request) => {
      requests.push(describeRequest(request));
      return answer(request);
    },
  );
  return {
    address: `127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/**
 * Starts a peer that reads one request's head on each connection, writes these
 * bytes and closes; null keeps the connection open and silent.
 */
export function rawPeer(answer: string | null): FakePeer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const requests: string[] = [];
  const running = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      requests.push(await readHead(connection));
      if (answer === null) continue;
      await connection.write(new TextEncoder().encode(answer));
      connection.close();
      open.delete(connection);
    }
  })();
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      open.forEach((connection) => connection.close());
      await running;
    },
  };
}

/** Reads until the empty line; returns the first line. */
async function readHead(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text.slice(0, text.indexOf("\r\n"));
}

/** A free port that nobody listens on, as an address. */
export function refusedAddress(): string {
  const { addr, close } = (() => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return { addr: listener.addr, close: () => listener.close() };
  })();
  close();
  return `127.0.0.1:${addr.port}`;
}

/** Content and how it is asked for. */
export interface FakeContent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  readonly request: ContentRequest;
}

/** Makes a blob of bytes that differ from place to place. */
export function fakeContent(size: number): FakeContent {
  const bytes = Uint8Array.from(
    { length: size },
    (_, index) => (index * 31 + (index >> 8)) & 0xff,
  );
  const digest = digestOf(bytes);
  const request: ContentRequest = {
    kind: "blob",
    registry: "docker.io",
    repository: "library/app",
    digest,
  };
  return { bytes, digest, request };
}

/** The path that a peer is asked for this content. */
export function pathOf({ kind, repository, digest }: ContentRequest): string {
  return `/v2/${repository}/${kind}s/${digest}?ns=docker.io`;
}

/** Answers as a good peer does, ranges included. */
export function goodAnswer(
  { bytes, digest }: FakeContent,
  request: Request,
): Response {
  const headers = new Headers({
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
  });
  const range = /^bytes=([0-9]+)-([0-9]*)$/.exec(
    request.headers.get("Range") ?? "",
  );
  const start = Number(range?.[1] ?? 0);
  const end = range?.[2] ? Number(range[2]) : bytes.length - 1;
  const part = bytes.slice(start, end + 1);
  headers.set("Content-Length", String(part.length));
  if (range) {
    headers.set("Content-Range", `bytes ${start}-${end}/${bytes.length}`);
  }
  const body = request.method === "HEAD" ? null : part;
  return new Response(body, { status: range ? 206 : 200, headers });
}
