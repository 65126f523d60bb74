/**
 * Which handler answers which path, and the probes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { probes, routes } from "../../src/registry/routes.ts";
import { listener } from "./listener.ts";

const says = (text: string) => () => new Response(text);

const TABLE = routes({
  "/": says("root"),
  "/a": says("a"),
  "/b/": says("b/"),
  "/b/c/": says("b/c/"),
  "/b/c/exact": says("exact"),
});

Deno.test.each([
  { path: "/", is: "root" },
  { path: "/a", is: "a" },
  { path: "/a?x=/b/", is: "a" },
  { path: "/ab", is: "root" },
  { path: "/a/", is: "root" },
  { path: "/b", is: "root" },
  { path: "/b/x", is: "b/" },
  { path: "/b/c/x", is: "b/c/" },
  { path: "/b/c/exact", is: "exact" },
  { path: "/b/c/exact/x", is: "b/c/" },
  { path: "/b/c/../x", is: "b/" },
])("routes() sends $path to $is", async ({ path, is }) => {
  const answer = await listener("x", TABLE).ask("GET", path);
  assert.equal(await answer.text(), is);
});

Deno.test.each(["/", "/ab", "/constructor", "/toString"])(
  "routes() answers %s, which is in no row, with 404",
  async (path) => {
    const asked = listener("x", routes({ "/a": says("a") }));
    const answer = await asked.ask("GET", path);
    assert.equal(answer.status, 404);
    assert.equal(
      await answer.text(),
      JSON.stringify({
        errors: [{
          code: "NAME_INVALID",
          message: `no such endpoint: ${path}`,
        }],
      }),
    );
  },
);

Deno.test("probes() are alive without being ready, and say why", async () => {
  const reason = "this node's content is not listed yet";
  const asked = listener("x", routes(probes(() => ({ ready: false, reason }))));
  const livez = await asked.ask("GET", "/livez");
  assert.deepEqual([livez.status, await livez.text()], [200, "ok\n"]);
  const readyz = await asked.ask("GET", "/readyz");
  assert.deepEqual([readyz.status, await readyz.text()], [503, `${reason}\n`]);
});

Deno.test("probes() are asked anew each time", async () => {
  let ready = false;
  const asked = listener(
    "x",
    routes(probes(() => ready ? { ready } : { ready, reason: "no" })),
  );
  assert.equal((await asked.ask("GET", "/readyz")).status, 503);
  ready = true;
  assert.equal((await asked.ask("GET", "/readyz")).status, 200);
});
