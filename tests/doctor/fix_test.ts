/** Fixes as text for a shell. @module */

import assert from "node:assert/strict";
import { fixLines, option, quote, run, tell } from "../../src/doctor/fix.ts";

Deno.test("fixLines() writes what a shell can take as it stands", () => {
  const fix = [
    run("mv a b\nls"),
    tell("then\nlook"),
    option("--fan-out", "2"),
  ];
  assert.deepEqual(fixLines(fix), [
    "mv a b",
    "ls",
    "# then",
    "# look",
    "# give Peili --fan-out=2 (PEILI_FAN_OUT=2), restart it",
  ]);
});

Deno.test.each([
  { text: "/etc/containerd/certs.d", quoted: "/etc/containerd/certs.d" },
  { text: "http://10.0.0.1:30020", quoted: "http://10.0.0.1:30020" },
  { text: "[fd00::1]", quoted: "'[fd00::1]'" },
  { text: "a b", quoted: "'a b'" },
  { text: "it's $HOME", quoted: `'it'\\''s $HOME'` },
  { text: "", quoted: "''" },
])("quote() makes one word of $text", async ({ text, quoted }) => {
  assert.equal(quote(text), quoted);
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf %s ${quoted}`],
  }).output();
  assert.equal(new TextDecoder().decode(stdout), text);
});
