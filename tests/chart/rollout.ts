/** When a DaemonSet is done on every node; `helm --wait` ends before. @module */
import { waitFor } from "../lab/wait.ts";
import type { ClusterApi } from "./cluster_api.ts";

/** For what takes some seconds on an idle machine. */
const ROLLOUT_MS = 120_000;

/** Waits until every node has a ready pod of what the DaemonSet now is. */
export async function awaitRollout(
  api: ClusterApi,
  namespace: string,
  name = "peili",
): Promise<void> {
  await waitFor(`${name} of ${namespace} on all nodes`, async () => {
    const found = await api.get("DaemonSet", namespace, name);
    const { desiredNumberScheduled, numberReady, ...status } = found?.status ??
      {};
    return status.observedGeneration === found?.metadata.generation &&
      status.updatedNumberScheduled === desiredNumberScheduled &&
      numberReady === desiredNumberScheduled;
  }, { budgetMs: ROLLOUT_MS });
}
