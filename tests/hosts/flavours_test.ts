/**
 * Which flavour a node is, and what the page says of them.
 * @module
 */

import assert from "node:assert/strict";
import {
  DEFAULT_PATHS,
  flavourOf,
  flavourOptions,
  FLAVOURS,
} from "../../src/hosts/flavours.ts";
import { PAGE, pageText } from "./flavours_text.ts";

function nodeWith(...paths: string[]) {
  return (path: string) => Promise.resolve(paths.includes(path));
}

Deno.test.each(
  FLAVOURS.flatMap(({ name, marks }) => marks.map((mark) => ({ name, mark }))),
)("flavourOf() knows $name by $mark", async ({ name, mark }) => {
  assert.equal((await flavourOf(nodeWith(mark)))?.name, name);
});

Deno.test("flavourOf() does not take what is built on kubeadm for kubeadm", async () => {
  const kubeadm = "/etc/kubernetes/kubelet.conf";
  for (const { name, marks } of FLAVOURS) {
    const found = await flavourOf(nodeWith(kubeadm, marks[0] ?? ""));
    assert.equal(found?.name, name);
  }
});

Deno.test("flavourOf() says nothing of a node that it does not know", async () => {
  assert.equal(await flavourOf(nodeWith("/etc/hostname")), null);
});

Deno.test("flavourOptions() names what is not at its usual place", () => {
  assert.deepEqual(flavourOptions(DEFAULT_PATHS), []);
  assert.deepEqual(
    flavourOptions({ ...DEFAULT_PATHS, socket: "/x", hosts: "/y" }),
    ["--containerd-sock /x", "--containerd-registry-config-path /y"],
  );
});

Deno.test("FLAVOURS is what docs/compatibility.md says", async () => {
  assert.equal(await Deno.readTextFile(PAGE), await pageText());
});
