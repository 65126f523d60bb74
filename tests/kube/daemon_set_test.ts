/** Waiting for a DaemonSet: when it ends, and what it says. @module */

import assert from "node:assert/strict";
import type { KubeApi } from "../../src/kube/api.ts";
import { waitForDaemonSet } from "../../src/kube/daemon_set.ts";
import { recordedLog } from "../recorded.ts";
import { daemonSet } from "./fake_api.ts";

/** Gives these answers in turn, and the last one for ever. */
function answering(...answers: unknown[]): KubeApi & { paths: string[] } {
  const paths: string[] = [];
  return {
    namespace: "system",
    paths,
    get(path) {
      const answer = answers[Math.min(paths.push(path), answers.length) - 1];
      return answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve(answer);
    },
    [Symbol.dispose]() {},
  };
}

const NEVER = new AbortController().signal;
const SOON = { name: "x", timeoutMs: 60_000, askAgainMs: 1 };
const AT_ONCE = { name: "x", timeoutMs: 20, askAgainMs: 1 };

Deno.test("waitForDaemonSet() ends when every node is done, and says each step once", async () => {
  const api = answering(
    daemonSet({ nodes: 3, done: 1 }),
    daemonSet({ nodes: 3, done: 1 }),
    new Error("away"),
    daemonSet({ nodes: 4, done: 3 }),
    daemonSet({ nodes: 4, done: 4 }),
  );
  const log = recordedLog();
  await waitForDaemonSet(SOON, { api, log }, NEVER);
  assert.deepEqual(
    api.paths,
    Array(5).fill("/apis/apps/v1/namespaces/system/daemonsets/x"),
  );
  assert.deepEqual(
    log.lines.map(({ msg, done, nodes }) => `${msg} ${done}/${nodes}`),
    [
      "waiting for nodes 1/3",
      "waiting for nodes 3/4",
      "all nodes are done 4/4",
    ],
  );
});

Deno.test("waitForDaemonSet() does not take another generation's status", async () => {
  const api = answering(
    {},
    daemonSet({ nodes: 0, done: 0, seen: false }),
    daemonSet({ nodes: 2, done: 2, seen: false }),
    daemonSet({ nodes: 2, done: 2 }),
  );
  await waitForDaemonSet(SOON, { api, log: recordedLog() }, NEVER);
  assert.equal(api.paths.length, 4);
});

Deno.test("waitForDaemonSet() ends at once where no node is to have a pod", async () => {
  const api = answering(daemonSet({ nodes: 0, done: 0 }));
  await waitForDaemonSet(SOON, { api, log: recordedLog() }, NEVER);
});

Deno.test.each([
  { answer: daemonSet({ nodes: 5, done: 3 }), says: "3 of 5 nodes are done" },
  { answer: {}, says: "its controller has not seen it" },
  { answer: new Error("403 you may not"), says: "it cannot be read" },
])("waitForDaemonSet() gives up in time: $says", async ({ answer, says }) => {
  const deps = { api: answering(answer), log: recordedLog() };
  await assert.rejects(waitForDaemonSet(AT_ONCE, deps, NEVER), (error) => {
    assert.ok(error instanceof Error);
    assert.ok(error.message.includes(`DaemonSet x: ${says}`), error.message);
    assert.equal(error.cause, answer instanceof Error ? answer : undefined);
    return true;
  });
});

Deno.test("waitForDaemonSet() ends when it is asked to", async () => {
  const deps = { api: answering({}), log: recordedLog() };
  const signal = AbortSignal.abort();
  await assert.rejects(waitForDaemonSet(SOON, deps, signal), /never asked/);
});
