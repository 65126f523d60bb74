/**
 * What a source must say of what it has and of what it has not.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ContentSource, Located } from "../../src/content/source.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { MANIFEST_TYPES } from "../../src/oci/media_type.ts";
import { CONTENT, type Piece, REPOSITORY } from "./content.ts";
import { type Kind, patient, requestFor, tagged } from "./source_requests.ts";
import type { SourceCase } from "./source_suite.ts";

const UNKNOWN = { digest: digestOf("nobody has this") };
const UNKNOWN_512 = { digest: digestOf("nobody has this", "sha512") };

/** Cases of resolve() and stat(), and of open() where nothing opens. */
export function lookupCases(): SourceCase[] {
  return [
    ...CONTENT.blobs.map((piece) => ({
      name: `stat() describes the ${piece.name}`,
      check: (source: ContentSource) => describesBlob(source, piece),
    })),
    ...CONTENT.manifests.map((piece) => ({
      name: `stat() describes the ${piece.name}`,
      async check(source: ContentSource) {
        const request = requestFor("manifest", piece);
        const found = await source.stat(request, patient());
        assert.equal(describe(found, piece).mediaType, piece.mediaType);
      },
    })),
    {
      name: "resolve() finds the target of each tag",
      check: resolvesTags,
    },
    {
      name: "resolve() is null for what has no such name",
      check: resolvesNoOther,
    },
    ...([["manifest", CONTENT.blobs], ["blob", CONTENT.manifests]] as const)
      .map(([kind, pieces]) => ({
        name: `stat() and open() have nothing of the other kind as ${kind}`,
        check: (source: ContentSource) => hasNone(source, kind, pieces),
      })),
    ...(["blob", "manifest"] as const).map((kind) => ({
      name: `stat() and open() have no unknown ${kind}`,
      check: (source: ContentSource) =>
        hasNone(source, kind, [UNKNOWN, UNKNOWN_512]),
    })),
    {
      name: "stat() needs no registry to find a digest",
      async check(source) {
        for (const piece of CONTENT.manifests) {
          const found = await source.stat({
            kind: "manifest",
            repository: "any/other",
            digest: piece.digest,
          }, patient());
          describe(found, piece);
        }
      },
    },
  ];
}

async function describesBlob(
  source: ContentSource,
  piece: Piece,
): Promise<void> {
  const found = await source.stat(requestFor("blob", piece), patient());
  assert.ok(!MANIFEST_TYPES.has(describe(found, piece).mediaType));
}

/** Checks what every descriptor must say. */
function describe(found: Located | null, { name, digest, bytes }: Piece) {
  assert.ok(found, `the ${name} is not there`);
  assert.equal(found.digest, digest);
  assert.equal(found.size, bytes.length);
  assert.notEqual(found.mediaType, "");
  assert.notEqual(found.from, "");
  return found;
}

async function resolvesTags(source: ContentSource): Promise<void> {
  for (const { name, target } of CONTENT.tags) {
    const tag = name.slice(name.lastIndexOf(":") + 1);
    const piece = CONTENT.manifests.find(({ digest }) => digest === target);
    assert.ok(piece);
    const found = await source.resolve(tagged(tag), patient());
    assert.equal(describe(found, piece).mediaType, piece.mediaType);
  }
}

async function resolvesNoOther(source: ContentSource): Promise<void> {
  const others = [
    tagged("v2"),
    tagged("upper_case-1.0"),
    { ...tagged("v1"), repository: `${REPOSITORY}/v1` },
    { ...tagged("v1"), registry: "registry.example" },
    { ...tagged("v1"), registry: "registry.example:5001" },
  ];
  for (const reference of others) {
    const found = await source.resolve(reference, patient());
    assert.equal(found, null, JSON.stringify(reference));
  }
}

async function hasNone(
  source: ContentSource,
  kind: Kind,
  pieces: readonly Pick<Piece, "digest">[],
): Promise<void> {
  for (const piece of pieces) {
    const request = requestFor(kind, piece);
    assert.equal(await source.stat(request, patient()), null, piece.digest);
    assert.equal(await source.open(request, patient()), null, piece.digest);
  }
}
