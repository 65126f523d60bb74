/** @module */

import assert from "node:assert/strict";
import { withoutWasm } from "../src/no_wasm.ts";
import { program } from "./program.ts";

/** `(module)`: the shortest there is. */
const MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

Deno.test("withoutWasm() gives no exports to who imports nothing", () => {
  using _hidden = withoutWasm();
  assert.ok(!WebAssembly.validate(MODULE));
  const module = new WebAssembly.Module(MODULE);
  assert.equal(new WebAssembly.Instance(module).exports, null);
  assert.equal(new WebAssembly.Instance(module, {}).exports, null);
});

Deno.test("withoutWasm() gives an empty memory to who imports", () => {
  using _hidden = withoutWasm();
  const module = new WebAssembly.Module(MODULE);
  const { exports } = new WebAssembly.Instance(module, { env: {} });
  const { memory, input } = exports as unknown as {
    memory: { buffer: ArrayBuffer };
    input: { value: number };
  };
  const key = new Uint8Array(memory.buffer, input.value, 32);
  assert.deepEqual(key, new Uint8Array(32));
});

Deno.test("withoutWasm() brings WebAssembly back when it is disposed of", () => {
  const before = globalThis.WebAssembly;
  withoutWasm()[Symbol.dispose]();
  assert.equal(globalThis.WebAssembly, before);
  assert.ok(WebAssembly.validate(MODULE));
});

/** Loads what brings WebAssembly, and counts what is compiled. */
const LOADS = `
import process from "node:process";
let compiled = 0;
const { Module } = WebAssembly;
WebAssembly.Module = class extends Module {
  constructor(bytes) {
    compiled++;
    super(bytes);
  }
};
const before = [process.env, WebAssembly];
await import("./src/containerd/client.ts");
await import("./src/routing/libp2p/host.ts");
const same = [process.env, WebAssembly].map((it, i) => it === before[i]);
console.log(JSON.stringify({ compiled, same }));
`;

Deno.test("withoutWasm() keeps gRPC and js-libp2p from compiling, and leaves no trace", async () => {
  const { stdout, stderr } = await program([], {
    permissions: ["-P=run"],
    script: LOADS,
  });
  assert.notEqual(stdout, "", stderr);
  const { compiled, same } = JSON.parse(stdout);
  assert.deepEqual({ compiled, same }, { compiled: 0, same: [true, true] });
});
