/**
 * What is shared and what is not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { contentFilter, type FilterOptions } from "../../src/content/filter.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { parseImageName } from "../../src/oci/reference.ts";

const OPEN: FilterOptions = {
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
};

function tagOf(name: string) {
  const { registry, repository, tag } = parseImageName(name) ?? assert.fail();
  return { registry, repository, tag: tag ?? assert.fail() };
}

interface TagRow extends Partial<FilterOptions> {
  readonly name: string;
  readonly allowed: readonly string[];
  readonly refused: readonly string[];
}

Deno.test.each<TagRow>([
  {
    name: "nothing set",
    allowed: ["docker.io/library/ubuntu:latest", "10.0.0.1:5000/a:v1"],
    refused: [],
  },
  {
    name: "no tags",
    resolveTags: false,
    allowed: [],
    refused: ["docker.io/library/ubuntu:latest", "docker.io/a:v1"],
  },
  {
    name: "no latest",
    resolveLatestTag: false,
    allowed: ["docker.io/a:v1", "docker.io/latest:v1", "docker.io/a:latest1"],
    refused: ["docker.io/a:latest"],
  },
  {
    name: "registries",
    mirroredRegistries: ["docker.io", "10.0.0.1:5000", "[fd00::9]:5000"],
    allowed: ["docker.io/a:v1", "10.0.0.1:5000/a:v1", "[fd00::9]:5000/a:v1"],
    refused: [
      "ghcr.io/a:v1",
      "sub.docker.io/a:v1",
      "10.0.0.1/a:v1",
      "10.0.0.1:5001/a:v1",
      "[fd00::9]:5001/a:v1",
    ],
  },
  {
    name: "a filter of a registry",
    registryFilters: [/^docker\.io\//],
    allowed: ["ghcr.io/docker.io/a:v1"],
    refused: ["docker.io/a:v1"],
  },
  {
    name: "a filter of a tag",
    registryFilters: [/:latest$/],
    allowed: ["docker.io/a:v1"],
    refused: ["docker.io/a:latest"],
  },
  {
    name: "two filters",
    registryFilters: [/\/secret\//, /^quay\.io/],
    allowed: ["docker.io/a:v1"],
    refused: ["docker.io/secret/a:v1", "quay.io/a:v1"],
  },
])("contentFilter() with $name decides about tags", (row) => {
  const filter = contentFilter({ ...OPEN, ...row });
  const allows = (name: string) => filter.allowsTag(tagOf(name));
  assert.deepEqual(row.allowed.filter((name) => !allows(name)), []);
  assert.deepEqual(row.refused.filter(allows), []);
});

Deno.test.each<TagRow>([
  {
    name: "nothing set",
    allowed: ["docker.io/a", "10.0.0.1:5000/a/b"],
    refused: [],
  },
  {
    name: "no tags",
    resolveTags: false,
    resolveLatestTag: false,
    allowed: ["docker.io/a"],
    refused: [],
  },
  {
    name: "registries",
    mirroredRegistries: ["docker.io", "10.0.0.1:5000"],
    allowed: ["docker.io/a", "10.0.0.1:5000/a/b"],
    refused: ["ghcr.io/a", "10.0.0.1/a"],
  },
  {
    name: "filters of a repository and a tag",
    registryFilters: [/\/secret\//, /:latest$/],
    allowed: ["docker.io/a"],
    refused: ["docker.io/secret/a"],
  },
])("contentFilter() with $name decides about content", (row) => {
  const filter = contentFilter({ ...OPEN, ...row });
  const allows = (name: string) => {
    const { registry, repository } = tagOf(`${name}:v1`);
    const digest = digestOf(name);
    const request = { kind: "blob", registry, repository, digest } as const;
    const decision = filter.allowsContent(request);
    assert.equal(filter.allowsRepository(registry, repository), decision);
    return decision;
  };
  assert.deepEqual(row.allowed.filter((name) => !allows(name)), []);
  assert.deepEqual(row.refused.filter(allows), []);
});

Deno.test("contentFilter() lets content be asked for without a registry", () => {
  const filter = contentFilter({
    ...OPEN,
    mirroredRegistries: ["docker.io"],
    registryFilters: [/a/],
  });
  const digest = digestOf("content");
  assert.ok(filter.allowsContent({ kind: "blob", repository: "a", digest }));
});

interface LabelRow extends Partial<FilterOptions> {
  readonly name: string;
  readonly host: string;
  /** Registries that images of the node come from. */
  readonly seen?: readonly string[];
  readonly allowed: boolean;
}

Deno.test.each<LabelRow>([
  { name: "nothing set", host: "ghcr.io", allowed: true },
  {
    name: "its registry mirrored",
    mirroredRegistries: ["docker.io"],
    host: "docker.io",
    allowed: true,
  },
  {
    name: "another registry mirrored",
    mirroredRegistries: ["docker.io"],
    host: "ghcr.io",
    allowed: false,
  },
  {
    name: "its registry mirrored with the port that labels lose",
    mirroredRegistries: ["10.99.0.2:5000"],
    host: "10.99.0.2",
    allowed: true,
  },
  {
    name: "its IPv6 registry mirrored",
    mirroredRegistries: ["[fd00::9]:5000"],
    host: "fd00::9",
    allowed: true,
  },
  {
    name: "another IPv6 registry mirrored",
    mirroredRegistries: ["[fd00::8]:5000"],
    host: "fd00::9",
    allowed: false,
  },
  {
    name: "a filter of its host",
    registryFilters: [/^10\.99\.0\.2\//],
    host: "10.99.0.2",
    allowed: false,
  },
  {
    name: "a filter of its host and port, seen in an image",
    registryFilters: [/^10\.99\.0\.2:5000\//],
    host: "10.99.0.2",
    seen: ["docker.io", "10.99.0.2:5000"],
    allowed: false,
  },
  {
    name: "a filter of its host and port, mirrored",
    mirroredRegistries: ["10.99.0.2:5000"],
    registryFilters: [/^10\.99\.0\.2:5000\//],
    host: "10.99.0.2",
    allowed: false,
  },
  {
    name: "a filter of its IPv6 host and port",
    registryFilters: [/^\[fd00::9\]:5000\//],
    host: "fd00::9",
    seen: ["[fd00::9]:5000"],
    allowed: false,
  },
  {
    name: "a filter of another registry that was seen",
    registryFilters: [/^docker\.io\//],
    host: "10.99.0.2",
    seen: ["docker.io"],
    allowed: true,
  },
  {
    name: "a filter of the repository",
    registryFilters: [/\/team\/app$/],
    host: "10.99.0.2",
    allowed: false,
  },
])("contentFilter() with $name decides about a label", (row) => {
  const filter = contentFilter({ ...OPEN, ...row });
  const decision = filter.allowsLabel(row.host, "team/app", row.seen ?? []);
  assert.equal(decision, row.allowed);
});

Deno.test.each<Partial<FilterOptions> & { name: string; restricts: boolean }>([
  { name: "nothing set", restricts: false },
  { name: "no tags", resolveTags: false, restricts: false },
  { name: "a registry", mirroredRegistries: ["a"], restricts: true },
  { name: "a filter", registryFilters: [/a/], restricts: true },
])("contentFilter() with $name says whether it restricts", (row) => {
  assert.equal(contentFilter({ ...OPEN, ...row }).restricts, row.restricts);
});

Deno.test("contentFilter() decides the same each time, whatever the flags", () => {
  const filter = contentFilter({ ...OPEN, registryFilters: [/secret/gi] });
  const reference = tagOf("docker.io/secret:v1");
  const decisions = Array.from(
    { length: 4 },
    () => filter.allowsTag(reference),
  );
  assert.deepEqual(new Set(decisions), new Set([false]));
});
