/**
 * Some packages compile WebAssembly when they are loaded, wanted or not: here
 * they are told that there is none.
 *
 * @module
 */

/**
 * Hides WebAssembly: once V8 compiled the smallest module, a process keeps 5 MiB
 * more. Packages that can calculate by themselves do so: `long` (of gRPC) and
 * `xsalsa20` (of js-libp2p) take an instance without exports for that. Those of
 * js-libp2p's Noise cannot, but nothing calls them as Peili starts it: they get an
 * empty memory to look at.
 *
 * @returns What brings it back, before anything else is run
 */
export function withoutWasm(): Disposable {
  const { WebAssembly } = globalThis;
  globalThis.WebAssembly = {
    validate: () => false,
    Module: class {},
    Instance,
  } as unknown as typeof WebAssembly;
  return {
    [Symbol.dispose]() {
      globalThis.WebAssembly = WebAssembly;
    },
  };
}

class Instance {
  readonly exports: object | null;

  constructor(_module: object, imports: object = {}) {
    this.exports = "env" in imports ? emptyExports() : null;
  }
}

/** Every address is 0, in one page. */
function emptyExports(): object {
  const memory = { buffer: new ArrayBuffer(64 << 10) };
  return new Proxy({ memory }, {
    get: (known, name) => name === "memory" ? known.memory : { value: 0 },
  });
}
