/**
 * Putting a deployment's hosts into a text and taking them out, as values:
 * what the corpus does not have, and texts made at random.
 * @module
 */

import assert from "node:assert/strict";
import { parseHostsToml } from "../../src/hosts/hosts_toml.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import type { MirrorHostsOptions } from "../../src/hosts/mirror_hosts.ts";
import {
  type ComposedText,
  withHosts,
  withoutHosts,
} from "../../src/hosts/with_hosts.ts";
import { random } from "../suites/random.ts";

const TARGET = "http://10.0.0.1:30020";

/** A folder that is there, with this text. */
function folder(text: string | null) {
  return { exists: true, text, names: ["hosts.toml"] };
}

function wanted(
  deployment = "peili",
  options: Partial<MirrorHostsOptions> = {},
  registry: string | null = "a.example",
) {
  const [one] = mirrorHosts({ mirrorTargets: [TARGET], ...options });
  const { folder: _, ...rest } = one ?? assert.fail();
  return { deployment, registry, ...rest };
}

function textOf(composed: ComposedText | null): string {
  return composed?.text ?? assert.fail("no text");
}

function configured(text: string, ...args: Parameters<typeof wanted>): string {
  return textOf(withHosts(folder(text), wanted(...args)));
}

function restored(text: string, deployment = "peili"): string {
  return textOf(withoutHosts(text, deployment));
}

function urlsOf(text: string): string[] {
  return parseHostsToml(text).hosts.map(({ url }) => url);
}

Deno.test("withHosts() gives the registry's TLS to Peili's entry, and to no other", () => {
  const text = configured(
    'server = "https://a.example"\nca = "ca.pem"\nclient = [["c", "k"]]\n' +
      "skip_verify = true\n",
    "peili",
    { additionalTargets: ["http://zot.example"] },
  );
  const [own, other] = parseHostsToml(text).hosts;
  const tls = { ca: "ca.pem", client: [["c", "k"]], skipVerify: true };
  const base = { capabilities: ["pull", "resolve"], dialTimeout: "1s" };
  assert.deepEqual(own, { url: TARGET, ...base, ...tls });
  assert.deepEqual(other, { url: "http://zot.example", ...base });
});

Deno.test.each([
  { name: "speaks http", text: 'server = "http://a.example"\nca = "x"\n' },
  { name: "is verified", text: "skip_verify = false\n" },
])("withHosts() gives Peili no TLS where the registry $name", ({ text }) => {
  const [own] = parseHostsToml(configured(text)).hosts;
  assert.deepEqual(Object.keys(own ?? {}), [
    "url",
    "capabilities",
    "dialTimeout",
  ]);
});

Deno.test("withHosts() adds a deployment beside one with a host of the user's in it", () => {
  const later = '[host."https://later.example"]\n';
  const a = configured("", "a").replace("# peili: end", `${later}$&`);
  const target = "http://10.0.0.1:31020";
  const b = configured(a, "b", { mirrorTargets: [target] });
  assert.deepEqual(urlsOf(b), [TARGET, "https://later.example", target]);
  assert.equal(restored(b, "b"), a);
});

Deno.test.each([
  {
    name: "the server before an entry of its name",
    text:
      'server = "https://b"\nca = "s"\n[host."https://a.example"]\nca = "h"\n',
    ca: "s",
  },
  {
    name: "the entry of its name without a server",
    text: 'ca = "s"\n[host."https://a.example"]\nca = "h"\n',
    ca: "h",
  },
  {
    name: "the settings of the default server",
    text: 'ca = "s"\n[host."https://mirror.example"]\nca = "h"\n',
    ca: "s",
  },
])("withHosts() takes as the registry $name", ({ text, ca }) => {
  assert.equal(parseHostsToml(configured(text)).hosts[0]?.ca, ca);
});

Deno.test("withHosts() keeps deployments apart, and restores one without the other", () => {
  const user = 'server = "https://a.example"\n# mine';
  const a = configured(user, "a");
  const b = configured(a, "b", { mirrorTargets: ["http://10.0.0.1:31020"] });
  assert.deepEqual(urlsOf(b), [TARGET, "http://10.0.0.1:31020"]);
  assert.equal(withHosts(folder(b), wanted("a")).text, b);
  const onlyB = restored(b, "a");
  assert.deepEqual(urlsOf(onlyB), ["http://10.0.0.1:31020"]);
  assert.equal(withoutHosts(onlyB, "a"), null);
  assert.equal(restored(onlyB, "b"), user);
  assert.equal(restored(restored(b, "b"), "a"), user);
});

Deno.test("withHosts() lets two deployments share a target", () => {
  const text = configured(configured("", "a"), "b");
  assert.deepEqual(urlsOf(text), [TARGET]);
  assert.deepEqual(urlsOf(restored(text, "b")), [TARGET]);
});

Deno.test("withHosts() keeps the server for a deployment that does not know it", () => {
  const a = withHosts(
    { exists: false, text: null, names: [] },
    { ...wanted("a"), server: "http://a.example" },
  );
  const b = configured(a.text ?? "", "b");
  assert.equal(parseHostsToml(b).server, "http://a.example");
  const onlyB = restored(b, "a");
  assert.equal(parseHostsToml(onlyB).server, "http://a.example");
  const none = withoutHosts(onlyB, "b");
  assert.deepEqual([none?.text, none?.made], [null, "folder"]);
});

Deno.test("withHosts() takes its server out where the user has written one above", () => {
  const before = { exists: false, text: null, names: [] };
  const made = withHosts(before, { ...wanted(), server: "https://a.example" });
  const text = `server = "https://b.example"\n${made.text}`;
  assert.throws(() => parseHostsToml(text), SyntaxError);
  const mended = withHosts(folder(text), wanted());
  assert.ok(mended.userEdited);
  assert.equal(parseHostsToml(textOf(mended)).server, "https://b.example");
  assert.equal(restored(textOf(mended)), 'server = "https://b.example"\n');
});

Deno.test.each([
  { name: "its lines", broken: '"1s"', by: '"1s' },
  { name: "its settings", broken: "https://a.example", by: '"' },
  { name: "his own lines", broken: "# mine", by: "mine" },
])("withHosts() says that the user broke $name", ({ broken, by }) => {
  const made = withHosts(folder("# mine\n"), {
    ...wanted(),
    server: "https://a.example",
  });
  const text = textOf(made).replace(broken, by);
  assert.notEqual(text, made.text);
  const says = /Cannot read hosts\.toml: Invalid TOML/;
  assert.throws(() => withHosts(folder(text), wanted()), says);
});

Deno.test("withHosts() says that the user edited what is around its lines", () => {
  const text = configured("# mine\n");
  assert.ok(!withHosts(folder(text), wanted()).userEdited);
  const edited = withHosts(folder(`# more\n${text}`), wanted());
  assert.ok(edited.userEdited);
  const again = withHosts(folder(edited.text), wanted());
  assert.ok(!again.userEdited, "said once");
});

Deno.test("withHosts() keeps what the user changed in its lines, and says so", () => {
  const text = configured("# mine\n").replace('"1s"', '"5s"');
  const kept = withHosts(folder(text), wanted());
  assert.deepEqual([kept.text, kept.partEdited], [text, true]);
  const moved = wanted("peili", { mirrorTargets: ["http://10.0.0.2:30020"] });
  assert.throws(
    () => withHosts(folder(text), moved),
    /lines below "# peili: deployment peili" were edited and name other hosts/,
  );
  assert.equal(restored(text), "# mine\n");
});

Deno.test("withoutHosts() leaves a host that the user put among its lines", () => {
  const later = '[host."https://later.example"]\nskip_verify = true\n';
  const text = configured("# mine\n").replace("# peili: end", `${later}$&`);
  assert.equal(restored(text), `# mine\n${later}`);
});

Deno.test("withoutHosts() leaves settings that the user changed among its lines", () => {
  const before = { exists: false, text: null, names: [] };
  const made = withHosts(before, { ...wanted(), server: "https://a.example" });
  const text = made.text?.replace("https://a.example", "https://b.example");
  const kept = configured(text ?? "");
  assert.equal(parseHostsToml(kept).server, "https://b.example");
  assert.equal(restored(kept), 'server = "https://b.example"\n\n');
});

Deno.test.each([
  {
    name: "no end",
    damage: (text: string) => text.replace("# peili: end", ""),
  },
  {
    name: "no begin",
    damage: (text: string) => text.replace("# peili: begin", "# begin"),
  },
  { name: "twice", damage: (text: string) => text.replace(/^.*\n/, "$&$&") },
  {
    name: "not JSON",
    damage: (text: string) => text.replace('{"made"', '{"made'),
  },
])("withHosts() says that its comments are damaged: $name", ({ damage }) => {
  const before = { exists: false, text: null, names: [] };
  const text = damage(withHosts(before, wanted()).text ?? "");
  const says = /comments that begin with "# peili:" are damaged/;
  assert.throws(() => withHosts(folder(text), wanted()), says);
  assert.throws(() => withoutHosts(text, "peili"), says);
});

const PIECES = {
  keys: [
    "",
    'server = "https://a.example"',
    "# a comment",
    "",
    "ca = [\n  'a.pem', # [host.x]\n]",
    'note = """\n[host."http://no"]\n"""',
  ],
  hosts: [
    '[host."https://mirror.example"]\n  skip_verify = true # x',
    `[host."${TARGET}"]`,
    "# above\n[host.'http://10.0.0.1:31020']\ncapabilities = [\"pull\"]",
    '[host."HTTP://10.0.0.1:30020"]',
    '[host]\n[host."https://b.example".header]\nX = ["1"]',
    "\n# between\n",
    "[other]\nx = { y = [1, 2.5] }",
  ],
} as const;

/** A text that a person could have written, with some of the pieces. */
function randomText(seed: number): string {
  const numbers = random(seed);
  const some = (pieces: readonly string[]) =>
    pieces.filter(() => numbers.below(2) === 1);
  const text = [...some(PIECES.keys), ...some(PIECES.hosts)].join("\n");
  const ended = numbers.below(2) === 1 ? `${text}\n` : text;
  return numbers.below(4) === 0 ? ended.replaceAll("\n", "\r\n") : ended;
}

const DEPLOYMENTS = ["a", "b", "c"];

/** Configures and restores deployments in some order, and all are out at last. */
function shuffled(user: string, seed: number): string {
  const numbers = random(seed);
  const inside = new Map<string, string>();
  let text = user;
  for (let step = 0; step < 12; step++) {
    const name = DEPLOYMENTS[numbers.below(3)] ?? "a";
    const port = 30020 + 1000 * numbers.below(2);
    if (inside.has(name) && numbers.below(2) === 1) {
      text = restored(text, name);
      inside.delete(name);
    } else {
      const target = `http://10.0.0.1:${port}`;
      text = configured(text, name, { mirrorTargets: [target] });
      inside.set(name, target);
    }
    const first = urlsOf(text)[0] ?? "";
    if (inside.size > 0) assert.ok([...inside.values()].includes(first), text);
    for (const target of inside.values()) {
      assert.equal(urlsOf(text).filter((url) => url === target).length, 1);
    }
  }
  for (const name of inside.keys()) text = restored(text, name);
  return text;
}

Deno.test("withoutHosts() gives back every text byte for byte, whatever came between", () => {
  let tried = 0;
  for (let seed = 1; seed <= 600; seed++) {
    const user = randomText(seed);
    try {
      parseHostsToml(user);
    } catch {
      continue; // two pieces that exclude each other
    }
    tried++;
    assert.equal(shuffled(user, seed), user, `seed ${seed}`);
  }
  assert.ok(tried > 500, `only ${tried} texts`);
});
