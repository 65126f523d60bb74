/**
 * A layout is watched as any store, with the system's word and without.
 *
 * @module
 */

import { layoutStore } from "../../src/layout/store.ts";
import { NO_LOG } from "../../src/log.ts";
import { type MakeStore, watcherSuite } from "../suites/watcher_suite.ts";
import { ALLOWS_ALL } from "./filled_layout.ts";
import { layoutFolder, REF_NAME } from "./layout_folder.ts";

function storeOf(reconcileMs: number): MakeStore {
  return async () => {
    const folder = await layoutFolder();
    const { path } = folder;
    const { watcher } = layoutStore({
      path,
      filter: ALLOWS_ALL,
      log: NO_LOG,
      reconcileMs,
    });
    return {
      watcher,
      async put(content) {
        const bytes = new TextEncoder().encode(content);
        const digest = await folder.put(bytes);
        await folder.refer({ digest, bytes });
        return digest;
      },
      delete: (digest) => Deno.remove(folder.pathOf(digest)),
      async tag(name, digest) {
        const bytes = await Deno.readFile(folder.pathOf(digest));
        await folder.forget((entry) => entry.annotations?.[REF_NAME] === name);
        await folder.refer({ digest, bytes }, { [REF_NAME]: name });
      },
      untag: (name) =>
        folder.forget((entry) => entry.annotations?.[REF_NAME] === name),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  };
}

watcherSuite("layoutStore().watcher", storeOf(1e9));
watcherSuite("layoutStore().watcher by listing often", storeOf(20));
