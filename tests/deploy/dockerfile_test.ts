/**
 * What `deploy/Dockerfile` says twice, or says after others: `deno.json` and the
 * table of options.
 *
 * @module
 */

import assert from "node:assert/strict";
import deno from "../../deno.json" with { type: "json" };
import { ROOT } from "../program.ts";

/** Instructions in order, each on one line, without comments. */
async function instructions(): Promise<string[]> {
  const text = await Deno.readTextFile(`${ROOT}deploy/Dockerfile`);
  return text.replaceAll(/^#.*\n/gm, "").replaceAll(/\\\n\s*/g, "")
    .split("\n").filter(Boolean);
}

const LINES = await instructions();

/** What follows the word of each instruction of a kind. */
function allOf(word: string): string[] {
  return LINES.filter((line) => line.startsWith(`${word} `))
    .map((line) => line.slice(word.length + 1));
}

Deno.test("Dockerfile notes what is started as it will be started", () => {
  const [entry = "[]"] = allOf("ENTRYPOINT");
  const started = JSON.parse(entry);
  assert.ok(started.includes("-P=image"));
  const noted = allOf("RUN").map((text) => JSON.parse(text));
  assert.deepEqual(noted, [[...started, "version"], [...started, "version"]]);
  const variables = LINES.filter((line) => line.startsWith("ENV "));
  // In the stage that notes, and in the image.
  const half = variables.length / 2;
  assert.ok(half > 0);
  assert.deepEqual(variables.slice(0, half), variables.slice(half));
});

Deno.test("Dockerfile names every port that the program listens on", async () => {
  const options = await Deno.readTextFile(`${ROOT}src/config.ts`);
  const ports = options.matchAll(/(?:default: "|none: ):(\d+)"/g)
    .map(([, port = ""]) => port).toArray();
  assert.ok(ports.includes("5000"));
  const [exposed = ""] = allOf("EXPOSE");
  assert.deepEqual(exposed.split(" ").sort(), ports.sort());
});

Deno.test("Dockerfile is the same for every processor, and starts no shell", () => {
  for (const line of LINES) {
    assert.doesNotMatch(line, /amd64|x86_64|arm64|aarch64/, line);
  }
  for (const word of ["RUN", "ENTRYPOINT", "CMD"]) {
    const all = allOf(word);
    assert.ok(all.length > 0, word);
    for (const text of all) assert.match(text, /^\["/, `${word} ${text}`);
  }
});

Deno.test("Dockerfile's last user is nobody, by number", () => {
  // kubelet can tell runAsNonRoot by a number only.
  assert.deepEqual(allOf("USER"), ["65532:0"]);
});

type Permissions = Readonly<Record<string, unknown>>;

/** Whether a permission has all that another has; a folder has what is in it. */
function covers(wide: unknown, narrow: unknown): boolean {
  if (wide === true) return true;
  if (!Array.isArray(narrow)) return narrow === wide;
  return narrow.every((one: string) =>
    Array.isArray(wide) &&
    wide.some((other: string) => one === other || one.startsWith(`${other}/`))
  );
}

Deno.test("the set image allows what run and configure may do, and no more", () => {
  const { image, run, configure }: Record<string, Permissions> =
    deno.permissions;
  assert.ok(image && run && configure);
  for (const set of [run, configure]) {
    for (const [name, allowed] of Object.entries(set)) {
      assert.ok(covers(image[name], allowed), name);
    }
  }
  for (const [name, allowed] of Object.entries(image)) {
    if (!Array.isArray(allowed)) {
      assert.ok([run[name], configure[name]].includes(allowed), name);
      continue;
    }
    for (const one of allowed) {
      assert.ok([run, configure].some((set) => covers(set[name], [one])), one);
    }
  }
});
