/**
 * The rest of the spec: what a registry that can only be pulled from says to
 * pushes (end-4 to end-7, end-11, end-13), deletions (end-9, end-10) and
 * lists (end-8, end-12).
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { CONTENT, LAYER } from "./content.ts";
import type { PullCase } from "./pull_suite.ts";
import { assertPiece, assertRefused } from "./registry_client.ts";

const [MANIFEST] = CONTENT.manifests;
const SUBJECT = MANIFEST?.digest ?? digestOf("none");
const UPLOAD = "blobs/uploads/2f4b0c5e";

/** Endpoints by id, method and path. */
type Row = readonly [endpoint: string, method: string, path: string];

/** What would change something: 405, and the methods that are served. */
const CHANGES: readonly Row[] = [
  ["end-4a", "POST", "blobs/uploads/"],
  ["end-4b", "POST", `blobs/uploads/?digest=${LAYER.digest}`],
  ["end-5", "PATCH", UPLOAD],
  ["end-6", "PUT", `${UPLOAD}?digest=${LAYER.digest}`],
  ["end-7", "PUT", "manifests/v1"],
  ["end-9", "DELETE", "manifests/v1"],
  ["end-9", "DELETE", `manifests/${SUBJECT}`],
  ["end-10", "DELETE", `blobs/${LAYER.digest}`],
  ["end-11", "POST", `blobs/uploads/?mount=${LAYER.digest}&from=other/app`],
];

/**
 * What would list something: 404, the only failure that the spec has for it. It
 * sends clients to the referrers tag schema, where an incomplete list would not.
 */
const LISTS: readonly Row[] = [
  ["end-8a", "GET", "tags/list"],
  ["end-8b", "GET", "tags/list?n=1&last=v1"],
  ["end-12a", "GET", `referrers/${SUBJECT}`],
  ["end-12b", "GET", `referrers/${SUBJECT}?artifactType=text/plain`],
  ["end-13", "GET", UPLOAD],
];

/** All that holds of the rest. */
export function pullRefusalCases(): PullCase[] {
  return [
    ...CHANGES.map(([endpoint, method, path]): PullCase => ({
      endpoint,
      name: `${method} ${path} is not allowed`,
      async check(ask) {
        const answer = await ask(method, path);
        assertRefused(answer, { status: 405, code: "UNSUPPORTED" });
        assert.equal(answer.headers.get("Allow"), "GET, HEAD");
      },
    })),
    {
      endpoint: "end-9, end-10",
      name: "after all that, everything is still there",
      async check(ask) {
        assertPiece(await ask("GET", `blobs/${LAYER.digest}`), LAYER);
        assert.equal((await ask("HEAD", "manifests/v1")).status, 200);
      },
    },
    ...LISTS.map(([endpoint, method, path]): PullCase => ({
      endpoint,
      name: `${method} ${path} is not supported`,
      async check(ask) {
        const answer = await ask(method, path);
        assertRefused(answer, { status: 404, code: "UNSUPPORTED" });
      },
    })),
  ];
}
