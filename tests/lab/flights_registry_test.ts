/** A registry that fails the node that leads: the others are served all the same. @module */
import assert from "node:assert/strict";
import { onLab, startPeilis } from "./evidence.ts";
import {
  assertOutcome,
  awaitLeader,
  FLIGHT_FLAGS,
  type Fresh,
  fresh,
  outcomeOf,
  TWO_COPIES,
} from "./flying.ts";
import { type Front, type Misbehaviour, startFront } from "./front.ts";
import { versionsHere } from "./here.ts";
import { Lab } from "./lab.ts";
import type { Node, PullOptions } from "./node.ts";

/** What the registry does to one node, for good. */
const MISBEHAVIOURS: readonly Misbehaviour[] = [
  401,
  403,
  404,
  429,
  500,
  "close",
  "stall-headers",
  "stall-body",
];

/**
 * How long a node that the registry leaves hanging is waited for: without a
 * mirror, nothing would end its pull either.
 */
const HANGING_MS = 30_000;

const CREDENTIALS = "lab:secret-of-the-lab";

/** The largest layer: what is smaller is over too soon to be led. */
function largest({ info }: Fresh): string {
  const [layer] = info.layers.toSorted((a, b) => b.size - a.size);
  return layer?.digest ?? "";
}

/**
 * One node pulls until it leads the layer, then the others do. Bytes count from
 * the first on.
 */
async function pullBehind(
  lab: Lab,
  first: Node,
  image: Fresh,
  options: (node: Node) => PullOptions,
) {
  return await outcomeOf(lab, image.info.totalBytes, async () => {
    const pull = (node: Node): [Node, Promise<unknown>] => {
      const pulling = node.pull(image.name, options(node));
      pulling.catch(() => {/* told by outcomeOf() */});
      return [node, pulling];
    };
    const begun = pull(first);
    await awaitLeader(lab.nodes, largest(image));
    const others = lab.nodes.filter((node) => node !== first);
    return new Map([begun, ...others.map(pull)]);
  });
}

async function freshBehind(lab: Lab, { registry }: Front): Promise<Fresh> {
  const { info } = await fresh(lab, "b100x1");
  return { info, name: `${registry}/${info.repository}:${info.tag}` };
}

/** The registry fails one node whatever it does: the others do not notice. */
async function failsOne(
  lab: Lab,
  front: Front,
  what: Misbehaviour,
): Promise<void> {
  const image = await freshBehind(lab, front);
  const unlucky = lab.node(1);
  const path = `/blobs/${largest(image)}`;
  await front.tell({ rules: [{ path, what, ip: unlucky.ip }] });
  const outcome = await pullBehind(
    lab,
    unlucky,
    image,
    (node) => node === unlucky ? { budgetMs: HANGING_MS } : {},
  );
  await assertOutcome(outcome, {
    what: `one node is answered ${what}`,
    nodes: lab.nodes,
    images: [image.info],
    mayFail: [unlucky], // Without a mirror its pull fails.
    atMost: TWO_COPIES,
  });
}

/** The registry fails once: everybody succeeds, as without a mirror. */
async function failsOnce(lab: Lab, front: Front): Promise<void> {
  for (const what of [403, 429, 500, "close"] as const) {
    const image = await freshBehind(lab, front);
    const path = `/blobs/${largest(image)}`;
    await front.tell({ rules: [{ path, what, times: 1 }] });
    const outcome = await pullBehind(lab, lab.node(1), image, () => ({}));
    await assertOutcome(outcome, {
      what: `the first request is answered ${what}`,
      nodes: lab.nodes,
      images: [image.info],
      atMost: TWO_COPIES,
    });
  }
}

/** The node that leads has the wrong password, the others the right one. */
async function refusesOne(
  lab: Lab,
  front: Front,
  auth: "basic" | "bearer",
): Promise<void> {
  const image = await freshBehind(lab, front);
  // The layer alone: who cannot have the config leads no layer.
  const protects = largest(image);
  await front.tell({ auth, protects, credentials: CREDENTIALS });
  const stranger = lab.node(1);
  const [username = "", password = ""] = CREDENTIALS.split(":");
  const outcome = await pullBehind(lab, stranger, image, (node) => ({
    auth: { username, password: node === stranger ? "wrong" : password },
  }));
  await assertOutcome(outcome, {
    what: `${auth}: the leader has the wrong password`,
    nodes: lab.nodes,
    images: [image.info],
    mayFail: [stranger],
    atMost: TWO_COPIES,
  });
  assert.ok(outcome.failed.has(stranger), "wrong credentials gave content");
  for (const node of lab.nodes) {
    const log = await Deno.readTextFile(node.peiliLog);
    for (const secret of ["Authorization", password, btoa(CREDENTIALS)]) {
      assert.ok(!log.includes(secret), `${node.name}'s Peili logs ${secret}`);
    }
  }
}

Deno.test("a registry that fails the leader fails nobody else", async (t) => {
  const containerd = await versionsHere();
  await using lab = await Lab.up({ nodes: 4, containerd });
  await startPeilis(lab, FLIGHT_FLAGS);
  const front = await startFront(lab);
  for (const what of MISBEHAVIOURS) {
    await onLab(t, lab, [
      `one node is answered ${what}: the others' pulls succeed`,
      (lab) => failsOne(lab, front, what),
    ]);
  }
  await onLab(t, lab, [
    "the first request fails: all pulls succeed",
    (lab) => failsOnce(lab, front),
  ]);
  for (const auth of ["basic", "bearer"] as const) {
    await onLab(t, lab, [
      `${auth}: the leader has the wrong password, the others succeed`,
      (lab) => refusesOne(lab, front, auth),
    ]);
  }
});
