/**
 * The rules of the repository: who may import what, and how files look.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  codeLines,
  functionsOf,
  importedPath,
  importsOf,
  type RepositoryFile,
  repositoryFiles,
} from "./repository.ts";

const FILES = await repositoryFiles();
const TYPESCRIPT = FILES.filter(({ path }) => path.endsWith(".ts"));
const SOURCE = TYPESCRIPT.filter(({ path }) =>
  path.startsWith("src/") || path === "main.ts" || path === "mod.ts"
);

/** Which level a path is on: the longest of these beginnings decides. */
const LEVELS: Readonly<Record<string, number>> = {
  "src/oci/": 0,
  "src/async/": 0,
  "src/log.ts": 0,
  "src/no_wasm.ts": 0,
  "src/garbage.ts": 0,
  "src/metrics/": 0,
  "src/content/": 1,
  // Words that flights speak, too; it imports nothing.
  "src/content/pull_state.ts": 0,
  "src/routing/": 1,
  // Interfaces that import nothing, which others of this level speak of too.
  "src/routing/router.ts": 0,
  "src/routing/peer_fetch.ts": 0,
  "src/flight/": 1,
  "src/proof/": 1,
  "src/hosts/": 1,
  "src/kube/": 1,
  "src/containerd/": 2,
  "src/layout/": 2,
  "src/routing/libp2p/": 2,
  "src/registry/": 2,
  "src/mirror/": 2,
  "src/upstream/": 2,
  "src/pull/": 3,
  "src/advertise.ts": 3,
  "src/listen.ts": 3,
  "src/uncaught.ts": 3,
  "src/discovery.ts": 3,
  "src/web/": 3,
  // Three steps of one level: what checks share, the checks, who runs them.
  "src/doctor/": 3.1,
  "src/doctor/checks/": 3.2,
  "src/doctor/doctor.ts": 3.3,
  "src/node.ts": 4,
  "src/configure.ts": 4,
  "src/config.ts": 5,
  "src/cli.ts": 5,
  "src/option_row.ts": 5,
  "src/option_text.ts": 5,
  "src/zone.ts": 5,
  "main.ts": 6,
  "mod.ts": 6,
  "deno.json": 0,
};

/** Where each package may be imported, by the beginning of a path. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  "@grpc/": ["src/containerd/client.ts"],
  "@kubernetes/": ["src/kube/"],
  "@libp2p/": ["src/routing/libp2p/"],
  "@logtape/": ["src/log.ts"],
  "@multiformats/": ["src/routing/libp2p/"],
  "commander": ["src/option_row.ts", "src/config.ts", "src/cli.ts"],
  "d3-force": ["src/web/"],
  "diff": ["src/hosts/"],
  "libp2p": ["src/routing/libp2p/packages.ts"],
  "multiformats": ["src/routing/libp2p/packages.ts"],
  "preact": ["src/web/"],
  "prom-client": ["src/metrics/"],
  "smol-toml": ["src/hosts/"],
  "uplot": ["src/web/"],
};

const MAX_FILE_LINES = 500;
const MAX_FUNCTION_LINES = 60;

/** Longer on purpose. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  "src/node.ts": "the composition root reads from top to bottom",
};

/** What the environment of a process is read by: there and nowhere below. */
const OUTERMOST = ["main.ts", "src/cli.ts", "src/config.ts"];

const EMPTY_NAMES = new Set(
  ["utils", "util", "helpers", "common", "types", "deps", "index", "misc"],
);

/** Tests whose subject is no single folder of the source. */
const WHOLE = [
  "tests/bundle_test.ts",
  "tests/policy_test.ts",
  "tests/permissions_test.ts",
  "tests/chart/",
  "tests/deploy/",
  "tests/wire/",
  "tests/suites/",
  "tests/cluster/",
  "tests/lab/",
  "tests/bench/",
  "tests/doc/",
  "tests/demo/",
];

function longestPrefix(
  prefixes: readonly string[],
  path: string,
): string | undefined {
  return prefixes.filter((prefix) => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
}

function levelOf(path: string): number {
  const level = LEVELS[longestPrefix(Object.keys(LEVELS), path) ?? ""];
  assert.ok(level !== undefined, `${path} is on no level: add it to LEVELS`);
  return level;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith("./") || specifier.startsWith("../");
}

/** Fails with all that break a rule, not with the first. */
function mustBeNone(rule: string, broken: readonly string[]): void {
  assert.deepEqual(broken, [], rule);
}

function pathsWhere(
  files: readonly RepositoryFile[],
  breaks: (file: RepositoryFile) => boolean,
): string[] {
  return files.filter(breaks).map(({ path }) => path);
}

Deno.test("policy: a file imports only from lower levels or its own folder", () => {
  const broken = SOURCE.flatMap((file) =>
    importsOf(file).filter(isRelative)
      .map((specifier) => importedPath(file.path, specifier))
      .filter((path) =>
        folderOf(path) !== folderOf(file.path) &&
        levelOf(path) >= levelOf(file.path)
      )
      .map((path) => `${file.path} -> ${path}`)
  );
  mustBeNone("design: levels", broken);
});

Deno.test("policy: a file imports nothing from above, in its own folder either", () => {
  const broken = SOURCE.flatMap((file) =>
    importsOf(file).filter(isRelative)
      .map((specifier) => importedPath(file.path, specifier))
      .filter((path) => levelOf(path) > levelOf(file.path))
      .map((path) => `${file.path} -> ${path}`)
  );
  mustBeNone("design: levels", broken);
});

Deno.test("policy: every file of the source is on a level", () => {
  SOURCE.forEach(({ path }) => levelOf(path));
});

Deno.test("policy: each package has one door", () => {
  const broken = SOURCE.flatMap((file) =>
    importsOf(file)
      .filter((specifier) =>
        !isRelative(specifier) && !specifier.startsWith("node:")
      )
      .filter((specifier) => {
        const doors = DOORS[longestPrefix(Object.keys(DOORS), specifier) ?? ""];
        return !doors?.some((door) => file.path.startsWith(door));
      })
      .map((specifier) => `${file.path} -> ${specifier}`)
  );
  mustBeNone("design: doors", broken);
});

Deno.test("policy: every file begins with what it is", () => {
  mustBeNone(
    "line 1 begins a comment with @module",
    pathsWhere(
      TYPESCRIPT,
      ({ text }) => !/^\/\*\*(?:(?!\*\/)[^])*@module/.test(text),
    ),
  );
});

Deno.test(`policy: no file is longer than ${MAX_FILE_LINES} lines`, () => {
  mustBeNone(
    "split it",
    pathsWhere(
      TYPESCRIPT,
      ({ text }) => text.split("\n").length - 1 > MAX_FILE_LINES,
    ),
  );
});

Deno.test(`policy: no function is longer than ${MAX_FUNCTION_LINES} lines`, () => {
  const long = TYPESCRIPT.filter(({ path }) => !(path in LONG_FUNCTIONS))
    .flatMap((file) =>
      functionsOf(file).filter(({ lines }) => lines > MAX_FUNCTION_LINES)
        .map(({ line, lines }) => `${file.path}:${line} has ${lines}`)
    );
  mustBeNone("split it", long);
});

Deno.test("policy: functions are measured", () => {
  const body = "  x();\n".repeat(70);
  const inner = `  const y = () => {\n${body}  };\n`;
  const text =
    `export async function f(\n  a,\n): Promise<void> {\n${inner}}\n` +
    `class C {\n  async m(a: string): Promise<void> {\n${body}  }\n}\n`;
  const lines = functionsOf({ path: "x.ts", text }).map(({ lines }) => lines);
  assert.deepEqual(lines, [4, 71, 71]);
});

Deno.test("policy: only the outermost files know of a process", () => {
  const knows = /\bDeno\.(?:env|args|exit)\b|\bconsole\./;
  mustBeNone(
    "pass it in",
    pathsWhere(
      SOURCE.filter(({ path }) => !OUTERMOST.includes(path)),
      (file) => codeLines(file).some((line) => knows.test(line)),
    ),
  );
});

Deno.test("policy: no file has a name that says nothing", () => {
  mustBeNone(
    "name what it holds",
    pathsWhere(TYPESCRIPT, ({ path }) =>
      path.replace(/\.ts$/, "").split("/")
        .some((part) => EMPTY_NAMES.has(part))),
  );
});

Deno.test("policy: a test is where its source is", () => {
  const paths = new Set(SOURCE.map(({ path }) => path));
  const folders = new Set([...paths].map(folderOf));
  const broken = pathsWhere(TYPESCRIPT, ({ path }) => {
    const isTest = /^tests\/.*_test\.ts$/.test(path);
    if (!isTest || longestPrefix(WHOLE, path)) return false;
    const source = path.replace(/^tests\//, "src/");
    return folderOf(source) === "src/"
      ? !paths.has(source.replace(/_test\.ts$/, ".ts"))
      : !folders.has(folderOf(source));
  });
  mustBeNone("tests mirror src", broken);
});

Deno.test("policy: nothing names a package registry or a person's machine", () => {
  // Put together so that this file does not name them.
  const hosts = ["registry.npmjs", "registry.yarnpkg", "npm.jsr"]
    .map((host) => `${host}.`);
  const folders = ["home", "Users", "root", "work"].map((name) => `/${name}/`);
  const broken = FILES.flatMap(({ path, text }) =>
    [...hosts, ...folders]
      .filter((word) =>
        text.split(word).slice(0, -1).some((before) => !/[\w.}]$/.test(before))
      )
      .map((word) => `${path}: ${word}`)
  );
  mustBeNone("it must read the same everywhere", broken);
  const lock = FILES.find(({ path }) => path === "deno.lock");
  assert.ok(lock, "deno.lock is missing");
  assert.doesNotMatch(lock.text, /https?:\/\//);
});

Deno.test("policy: README names every command and what listens where", () => {
  const readme = FILES.find(({ path }) => path === "README.md");
  assert.ok(readme, "README.md is missing");
  const textOf = (path: string) =>
    FILES.find((file) => file.path === path)?.text ?? "";
  const commands = textOf("src/cli.ts").matchAll(/^ {4}name: "(.+)",$/gm);
  const listeners = textOf("src/config.ts").matchAll(/default: "(:\d+)"/g);
  const words = [...commands, ...listeners].map(([, word = ""]) => word);
  assert.ok(words.includes("run") && words.includes(":5000"));
  mustBeNone(
    "README.md says nothing of them",
    words.filter((word) => !readme.text.includes(word)),
  );
});
