/** The suite of content sources over the content of real containerds. @module */
import { containerdStore } from "../../src/containerd/store.ts";
import { contentFilter } from "../../src/content/filter.ts";
import { NO_LOG } from "../../src/log.ts";
import type { Content } from "../suites/content.ts";
import { type FilledSource, sourceSuite } from "../suites/source_suite.ts";
import { filledContainerd } from "./filled_containerd.ts";
import { versionsHere } from "./here.ts";
import type { ContainerdVersion } from "./versions.ts";

/** A containerd with this content. */
async function fill(
  version: ContainerdVersion,
  content: Content,
): Promise<FilledSource> {
  await using parts = new AsyncDisposableStack();
  const { node } = parts.use(await filledContainerd(version, content));
  const { socket, contentPath } = node.containerd;
  const filter = contentFilter({
    mirroredRegistries: [],
    registryFilters: [],
    resolveTags: true,
    resolveLatestTag: true,
  });
  const place = { socket, contentPath, namespace: "k8s.io" };
  const store = parts.use(containerdStore({ ...place, filter, log: NO_LOG }));
  const filled = parts.move();
  return {
    source: store.source,
    [Symbol.asyncDispose]: () => filled.disposeAsync(),
  };
}

for (const version of await versionsHere()) {
  sourceSuite(
    `containerdStore() on containerd ${version}`,
    (content) => fill(version, content),
  );
}
