/**
 * What the demo may be told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describeError } from "../../src/log.ts";
import {
  type DemoOptions,
  HELP,
  parseOptions,
  UsageError,
} from "../../demo/options.ts";

const DEFAULTS: DemoOptions = {
  nodes: 5,
  imageBytes: 100e6,
  image: null,
  registryMbit: 400,
  keep: false,
};

const READ: { args: string[]; options: Partial<DemoOptions> }[] = [
  { args: [], options: {} },
  { args: ["--nodes", "20"], options: { nodes: 20 } },
  { args: ["--image-size=20MB"], options: { imageBytes: 20e6 } },
  { args: ["--image-size=1 GB"], options: { imageBytes: 1e9 } },
  { args: ["--registry-mbit=1"], options: { registryMbit: 1 } },
  { args: ["--keep"], options: { keep: true } },
  {
    args: ["--image=./usb:docker.io/library/redis:7"],
    options: { image: { path: "./usb", ref: "docker.io/library/redis:7" } },
  },
  { args: ["--image=/usb"], options: { image: { path: "/usb", ref: "" } } },
];

Deno.test.each(READ)("parseOptions() reads $args", ({ args, options }) => {
  assert.deepEqual(parseOptions(args), { ...DEFAULTS, ...options });
});

Deno.test.each([
  "--nodes=0",
  "--nodes=21",
  "--nodes=many",
  "--image-size=5",
  "--image-size=1kB",
  "--image-size=21GB",
  "--registry-mbit=0",
  "--image=:v1",
  "--nope",
  "what",
])("parseOptions() says which option of '%s' is wrong", (arg) => {
  const flag = arg.split("=")[0] ?? "";
  assert.throws(
    () => parseOptions([arg]),
    // Once: `--help tells more` follows on the same line.
    (error) =>
      error instanceof UsageError &&
      describeError(error).split(flag).length === 2,
  );
});

Deno.test("parseOptions() gives nothing when help is asked for, which names all", () => {
  assert.equal(parseOptions(["--help"]), null);
  assert.equal(parseOptions(["-h"]), null);
  const named = [...HELP.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)].map((
    [, name],
  ) => name);
  assert.deepEqual(named, [
    "nodes",
    "image-size",
    "image",
    "registry-mbit",
    "keep",
    "help",
  ]);
});
