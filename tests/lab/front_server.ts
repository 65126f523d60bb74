/**
 * A registry's front that misbehaves as it is told: everything else it passes
 * on to the real registry. It runs on the registry's host.
 *
 * @module
 */
import type { FrontLine, FrontRules, Misbehaviour } from "./front.ts";

/** Never, as far as a test can tell. */
const NEVER = new Promise<never>(() => {});

/** Bytes of a body after which it stalls or ends. */
const BROKEN_AT_BYTES = 3 << 20;

/** What it takes to be a front. */
interface Place {
  readonly port: number;
  /** The real registry. */
  readonly target: string;
  /** File with the rules as they are now. */
  readonly rulesFile: string;
}

const TOKEN = "token-of-the-lab";

/** Which requests were spoilt so far, by rule. */
const spoilt = new Map<string, number>();

function ruleFor(
  { rules }: FrontRules,
  { ip, path }: { ip: string; path: string },
): Misbehaviour | null {
  for (const rule of rules) {
    if (rule.ip !== undefined && rule.ip !== ip) continue;
    if (!path.includes(rule.path)) continue;
    const key = JSON.stringify(rule);
    const count = (spoilt.get(key) ?? 0) + 1;
    spoilt.set(key, count);
    if (count <= (rule.times ?? Infinity)) return rule.what;
  }
  return null;
}

/** The challenge for what is asked for without the right credentials. */
function challenge(
  { auth, credentials, protects }: FrontRules,
  request: Request,
): Response | null {
  const { pathname, host } = new URL(request.url);
  if (auth === "none" || !pathname.includes(protects)) return null;
  const given = request.headers.get("Authorization");
  const wanted = auth === "basic"
    ? `Basic ${btoa(credentials)}`
    : `Bearer ${TOKEN}`;
  if (given === wanted) return null;
  const value = auth === "basic"
    ? 'Basic realm="lab"'
    : `Bearer realm="http://${host}/token",service="lab"`;
  return new Response("", {
    status: 401,
    headers: { "WWW-Authenticate": value },
  });
}

/** Gives a token for the right name and password. */
async function token(
  { credentials }: FrontRules,
  request: Request,
): Promise<Response> {
  const form = new URLSearchParams(await request.text());
  const posted = `${form.get("username")}:${form.get("password")}`;
  const basic = request.headers.get("Authorization");
  if (posted !== credentials && basic !== `Basic ${btoa(credentials)}`) {
    return new Response("", { status: 401 });
  }
  return Response.json({ token: TOKEN, ["access_token"]: TOKEN });
}

/** Passes a request on, without its credentials. */
async function passOn(request: Request, target: string): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers({ "Accept-Encoding": "identity" });
  for (const name of ["Accept", "Range"]) {
    const value = request.headers.get(name);
    if (value) headers.set(name, value);
  }
  const { method } = request;
  return await fetch(target + pathname + search, { method, headers });
}

/** A body that stalls or ends early. */
function broken(response: Response, what: "stall-body" | "close"): Response {
  let sent = 0;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      sent += chunk.length;
      if (sent < BROKEN_AT_BYTES) return controller.enqueue(chunk);
      if (what === "stall-body") await NEVER;
      controller.error(new Error("ended early, as it was told"));
    },
  });
  return new Response(response.body?.pipeThrough(cut) ?? null, response);
}

async function answer(
  request: Request,
  ip: string,
  { target, rulesFile }: Place,
): Promise<Response> {
  const rules: FrontRules = JSON.parse(await Deno.readTextFile(rulesFile));
  const path = new URL(request.url).pathname;
  if (path === "/token") return await token(rules, request);
  const refused = challenge(rules, request);
  if (refused) return refused;
  const what = request.method === "GET" ? ruleFor(rules, { ip, path }) : null;
  if (what === null) return await passOn(request, target);
  if (what === "stall-headers") return await NEVER;
  if (what === "stall-body" || what === "close") {
    return broken(await passOn(request, target), what);
  }
  return new Response("", { status: what });
}

function serve(place: Place): void {
  Deno.serve(
    { hostname: "0.0.0.0", port: place.port },
    async (request, info) => {
      const ip = info.remoteAddr.hostname;
      const response = await answer(request, ip, place);
      const line: FrontLine = {
        ip,
        method: request.method,
        path: new URL(request.url).pathname,
        status: response.status,
      };
      await Deno.stdout.write(
        new TextEncoder().encode(`${JSON.stringify(line)}\n`),
      );
      return response;
    },
  );
}

if (import.meta.main) {
  const [port, target, rulesFile] = Deno.args;
  serve({
    port: Number(port),
    target: target ?? "",
    rulesFile: rulesFile ?? "",
  });
}
