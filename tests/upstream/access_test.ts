/**
 * Registries that want to know who asks, over real sockets, and what they, and
 * others, are told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Access, registryAccess } from "../../src/upstream/access.ts";
import type { Credentials } from "../../src/upstream/credentials.ts";
import { type Answer, type FakePeer, httpPeer } from "../mirror/fake_peer.ts";

const { signal } = new AbortController();
const PASSWORD: Credentials = {
  kind: "password",
  username: "me",
  password: "pä:ss",
};
/** `me:pä:ss` in UTF-8. */
const BASIC = "Basic bWU6cMOkOnNz";

/** A server that remembers the Authorization of each request. */
interface Heard extends FakePeer {
  readonly authorizations: (string | null)[];
  readonly url: string;
}

function server(answer: Answer): Heard {
  const authorizations: (string | null)[] = [];
  const peer = httpPeer((request) => {
    authorizations.push(request.headers.get("Authorization"));
    return answer(request);
  });
  return { ...peer, authorizations, url: `http://${peer.address}` };
}

function refuse(challenge: string): Response {
  const headers = { "WWW-Authenticate": challenge };
  return new Response(null, { status: 401, headers });
}

/** Lets in who says this, and tells others what is wanted. */
function guarded(wanted: () => string, challenge: () => string): Answer {
  return ({ headers }) =>
    headers.get("Authorization") === wanted()
      ? new Response("content")
      : refuse(challenge());
}

interface Made {
  readonly access: Access;
  readonly unusable: unknown[];
  readonly asked: string[];
  get(path?: string): Promise<Response>;
}

function accessTo(
  base: string,
  credentials: Credentials | null | Error,
  fetcher: typeof fetch = fetch,
): Made {
  const unusable: unknown[] = [];
  const asked: string[] = [];
  const access = registryAccess({
    registry: "registry.example",
    base,
    repository: "a/b",
    credentials: (registry) => {
      asked.push(registry);
      return credentials instanceof Error
        ? Promise.reject(credentials)
        : Promise.resolve(credentials);
    },
    signal,
    onUnusable: (error) => unusable.push(error),
    fetcher,
  });
  const request = { method: "GET", headers: {}, signal } as const;
  const get = (path = "/v2/") => access(`${base}${path}`, request);
  return { access, unusable, asked, get };
}

async function mustRead(response: Response): Promise<void> {
  assert.deepEqual([response.status, await response.text()], [200, "content"]);
}

Deno.test("registryAccess() looks for credentials only when it is asked", async () => {
  await using registry = server(() => new Response("content"));
  const { get, asked } = accessTo(registry.url, PASSWORD);
  await mustRead(await get());
  assert.deepEqual([registry.authorizations, asked], [[null], []]);
});

Deno.test("registryAccess() answers Basic, and then says who asks at once", async () => {
  await using registry = server(guarded(() => BASIC, () => "Basic"));
  const { get, asked } = accessTo(registry.url, PASSWORD);
  await mustRead(await get());
  await mustRead(await get());
  assert.deepEqual(registry.authorizations, [null, BASIC, BASIC]);
  assert.deepEqual(asked, ["registry.example"]);
});

Deno.test("registryAccess() passes a 401 on when nothing is left to say", async () => {
  await using registry = server(() => refuse("Basic"));
  for (const [credentials, requests] of [[null, 1], [PASSWORD, 2]] as const) {
    registry.authorizations.length = 0;
    const response = await accessTo(registry.url, credentials).get();
    await response.body?.cancel();
    assert.equal(response.status, 401);
    assert.equal(registry.authorizations.length, requests);
  }
});

/** A token server; each token is another. */
function tokenServer(field = "token"): Heard & { last(): string } {
  let count = 0;
  const started = server(() => Response.json({ [field]: `token-${++count}` }));
  return { ...started, last: () => `Bearer token-${count}` };
}

const BEARER = (tokens: Heard, rest = "") =>
  `Bearer realm="${tokens.url}/token",service="the registry"${rest}`;

Deno.test("registryAccess() fetches a token with the password", async () => {
  await using tokens = tokenServer();
  const scope = ',scope="repository:a/b:pull"';
  await using registry = server(
    guarded(() => tokens.last(), () => BEARER(tokens, scope)),
  );
  const { get } = accessTo(registry.url, PASSWORD);
  await mustRead(await get());
  assert.deepEqual(tokens.requests, [
    "GET /token?service=the+registry&scope=repository%3Aa%2Fb%3Apull",
  ]);
  assert.deepEqual(tokens.authorizations, [BASIC]);
  assert.deepEqual(registry.authorizations, [null, "Bearer token-1"]);
});

Deno.test("registryAccess() fetches a token for nobody, and names the scope itself", async () => {
  await using tokens = tokenServer("access_token");
  await using registry = server(
    guarded(() => tokens.last(), () => BEARER(tokens)),
  );
  await mustRead(await accessTo(registry.url, null).get());
  assert.match(tokens.requests[0] ?? "", /scope=repository%3Aa%2Fb%3Apull$/);
  assert.deepEqual(tokens.authorizations, [null]);
});

Deno.test("registryAccess() gives an identity token to the token server", async () => {
  const bodies: string[] = [];
  await using tokens = server(async (request) => {
    bodies.push(`${request.method} ${await request.text()}`);
    return Response.json({ ["access_token"]: "t" });
  });
  await using registry = server(
    guarded(() => "Bearer t", () => BEARER(tokens)),
  );
  const credentials = { kind: "identity-token", token: "refresh me" } as const;
  await mustRead(await accessTo(registry.url, credentials).get());
  assert.deepEqual(bodies, [
    "POST grant_type=refresh_token&refresh_token=refresh+me&client_id=peili&service=the+registry&scope=repository%3Aa%2Fb%3Apull",
  ]);
  assert.deepEqual(tokens.authorizations, [null]);
});

Deno.test("registryAccess() fetches one token for all that are refused together, and another when it has expired", async () => {
  await using tokens = tokenServer();
  let accepted = "Bearer token-1";
  await using registry = server(guarded(() => accepted, () => BEARER(tokens)));
  const { get } = accessTo(registry.url, PASSWORD);
  const all = await Promise.all([get(), get(), get()]);
  for (const response of all) await mustRead(response);
  assert.equal(tokens.requests.length, 1);
  accepted = "Bearer token-2";
  await mustRead(await get());
  assert.equal(tokens.requests.length, 2);
});

Deno.test("registryAccess() goes on without credentials that cannot be used", async () => {
  await using tokens = tokenServer();
  await using registry = server(
    guarded(() => tokens.last(), () => BEARER(tokens)),
  );
  const trouble = new Error("no such helper");
  const { get, unusable } = accessTo(registry.url, trouble);
  await mustRead(await get());
  assert.deepEqual(unusable, [trouble]);
});

Deno.test("registryAccess() says what a token server refuses", async () => {
  await using tokens = server(() => new Response("no", { status: 403 }));
  await using odd = server(() => Response.json({ token: "two\nlines" }));
  for (
    const [at, says] of [[tokens, "status 403"], [odd, "no JSON"]] as const
  ) {
    await using registry = server(() => refuse(BEARER(at)));
    await assert.rejects(
      accessTo(registry.url, PASSWORD).get(),
      new RegExp(`${at.address} gives no token: ${says}`),
    );
  }
});

Deno.test.each(["{}", '{"token":7}', "null", "[]", "no JSON"])(
  "registryAccess() takes %s for no token",
  async (text) => {
    await using tokens = server(() => new Response(text));
    await using registry = server(() => refuse(BEARER(tokens)));
    await assert.rejects(
      accessTo(registry.url, PASSWORD).get(),
      /gives no token: no JSON of one/,
    );
  },
);

Deno.test("registryAccess() takes the access_token where the token is empty", async () => {
  const answer = { token: "", ["access_token"]: "t" };
  await using tokens = server(() => Response.json(answer));
  await using registry = server(
    guarded(() => "Bearer t", () => BEARER(tokens)),
  );
  await mustRead(await accessTo(registry.url, PASSWORD).get());
});

Deno.test("registryAccess() tells no password to a token server without TLS when the registry has it", async () => {
  let requests = 0;
  const fetcher = () => {
    requests++;
    return Promise.resolve(refuse('Bearer realm="http://auth.example/"'));
  };
  const { get } = accessTo("https://registry.example", PASSWORD, fetcher);
  await assert.rejects(get(), /no usable URL: http:\/\/auth\.example\//);
  assert.equal(requests, 1);
});

Deno.test("registryAccess() follows redirects, and says who asks to the registry alone", async () => {
  await using elsewhere = server(() => new Response("content"));
  await using registry = server((request) => {
    if (request.headers.get("Authorization") !== BASIC) return refuse("Basic");
    const Location = request.url.endsWith("/moved")
      ? `${elsewhere.url}/blob?signed`
      : "/moved";
    return new Response(null, { status: 307, headers: { Location } });
  });
  await mustRead(await accessTo(registry.url, PASSWORD).get());
  assert.deepEqual(registry.authorizations, [null, BASIC, BASIC]);
  assert.deepEqual(elsewhere.authorizations, [null]);
  assert.deepEqual(elsewhere.requests, ["GET /blob?signed"]);
});

Deno.test("registryAccess() answers nobody else's challenge", async () => {
  await using elsewhere = server(() => refuse("Basic"));
  await using registry = server(() =>
    new Response(null, { status: 302, headers: { Location: elsewhere.url } })
  );
  const { get, asked } = accessTo(registry.url, PASSWORD);
  const response = await get();
  await response.body?.cancel();
  assert.deepEqual([response.status, asked], [401, []]);
  assert.deepEqual(elsewhere.authorizations, [null]);
});

Deno.test("registryAccess() follows no redirects without end, or to what is not http", async () => {
  await using registry = server((request) => {
    const Location = request.url.endsWith("/file")
      ? "file:///etc/passwd"
      : "/again";
    return new Response(null, { status: 302, headers: { Location } });
  });
  const { get } = accessTo(registry.url, null);
  await assert.rejects(get(), /more than 10 redirects/);
  assert.equal(registry.requests.length, 11);
  const response = await get("/file");
  await response.body?.cancel();
  assert.equal(response.status, 302);
});
