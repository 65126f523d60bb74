/**
 * Manifests: end-3, `GET|HEAD /v2/<name>/manifests/<reference>`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { DOCKER_MANIFEST, OCI_INDEX } from "../../src/oci/media_type.ts";
import {
  CONTENT,
  type ManifestPiece,
  REFERRERS_TAG,
  type TagPiece,
} from "./content.ts";
import type { PullCase } from "./pull_suite.ts";
import {
  type AskRegistry,
  assertPiece,
  assertRefused,
  type RegistryAnswer,
} from "./registry_client.ts";

/** What clients say that they take; content has but one form. */
const ACCEPTS = [
  "*/*",
  `${OCI_INDEX}, ${DOCKER_MANIFEST};q=0.5`,
  "text/html",
];

const LONGEST_TAG = "t".repeat(128);

const manifest = (reference: string) => `manifests/${reference}`;

/** All that holds of manifests. */
export function pullManifestCases(): PullCase[] {
  return [...foundCases(), ...absentCases()].map((one) => ({
    endpoint: "end-3",
    ...one,
  }));
}

type ManifestCase = Omit<PullCase, "endpoint">;

function foundCases(): ManifestCase[] {
  return [
    ...["GET", "HEAD"].flatMap((method): ManifestCase[] => [
      {
        name: `${method} by digest, as each type of manifest and index`,
        async check(ask) {
          for (const piece of CONTENT.manifests) {
            const answer = await ask(method, manifest(piece.digest));
            assertManifest(answer, piece);
          }
        },
      },
      {
        name: `${method} by tag`,
        async check(ask) {
          for (const tag of CONTENT.tags) {
            const answer = await ask(method, manifest(textOf(tag)));
            assertManifest(answer, targetOf(tag));
          }
        },
      },
    ]),
    {
      name: "what a client accepts changes nothing of what it is",
      async check(ask) {
        for (const Accept of ACCEPTS) {
          for (const piece of CONTENT.manifests) {
            const answer = await ask("GET", manifest(piece.digest), { Accept });
            assertManifest(answer, piece);
          }
        }
      },
    },
    {
      name: "the referrers tag schema is a tag like any other",
      async check(ask) {
        const answer = await ask("GET", manifest(REFERRERS_TAG));
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get("Content-Type"), OCI_INDEX);
      },
    },
  ];
}

function absentCases(): ManifestCase[] {
  return [
    {
      name: "a manifest, or a tag, that is not there is MANIFEST_UNKNOWN",
      async check(ask) {
        const absent = [digestOf("absent"), "absent", LONGEST_TAG];
        for (const one of absent) await refuses(ask, one, "MANIFEST_UNKNOWN");
      },
    },
    {
      name: "what is no digest is DIGEST_INVALID",
      async check(ask) {
        const malformed = ["sha256:abc", `v1@${digestOf("absent")}`];
        for (const one of malformed) await refuses(ask, one, "DIGEST_INVALID");
      },
    },
    {
      name: "what is no tag is NAME_INVALID",
      async check(ask) {
        const malformed = [".v1", "-v1", "v%201", `${LONGEST_TAG}t`];
        for (const one of malformed) await refuses(ask, one, "NAME_INVALID");
      },
    },
  ];
}

/** The type is told without parameters, and it is the manifest's own. */
function assertManifest(answer: RegistryAnswer, piece: ManifestPiece): void {
  assertPiece(answer, piece);
  assert.equal(answer.headers.get("Content-Type"), piece.mediaType);
}

async function refuses(
  ask: AskRegistry,
  reference: string,
  code: string,
): Promise<void> {
  for (const method of ["GET", "HEAD"]) {
    const answer = await ask(method, manifest(reference));
    assertRefused(answer, { status: 404, code });
  }
}

function textOf({ name }: TagPiece): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

function targetOf({ name, target }: TagPiece): ManifestPiece {
  return CONTENT.manifests.find(({ digest }) => digest === target) ??
    assert.fail(`${name} names nothing`);
}
