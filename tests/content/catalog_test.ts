/**
 * What is in a store, containerd's here, what of it is shared, and what changed.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type Catalog,
  catalog,
  type CatalogEntry,
} from "../../src/content/catalog.ts";
import { entryOf } from "../../src/containerd/labels.ts";
import { contentFilter, type FilterOptions } from "../../src/content/filter.ts";
import type { ContentEvent } from "../../src/content/watcher.ts";
import { type Digest, digestOf } from "../../src/oci/digest.ts";

const INDEX = digestOf("index");
const MANIFEST = digestOf("manifest");
const CONFIG = digestOf("config");
const LAYER = digestOf("layer");

const SOURCE = "containerd.io/distribution.source.";
const NAME = "10.0.0.1:5000/team/app:v1";

const OPEN: FilterOptions = {
  mirroredRegistries: [],
  registryFilters: [],
  resolveTags: true,
  resolveLatestTag: true,
};

function make(options: Partial<FilterOptions> = {}) {
  const oddNames: string[] = [];
  const made = catalog({
    filter: contentFilter({ ...OPEN, ...options }),
    onOddName: (name) => oddNames.push(name),
  });
  return { catalog: made, oddNames };
}

function info(
  digest: Digest,
  labels: Readonly<Record<string, string>> = {},
): CatalogEntry {
  return entryOf({ digest, size: 1, labels });
}

/** An image as CRI pulls it: an index, a manifest, a config and a layer. */
function image(labels: Readonly<Record<string, string>> = {}): CatalogEntry[] {
  return [
    info(INDEX, { ...labels, "containerd.io/gc.ref.content.m.0": MANIFEST }),
    info(MANIFEST, {
      ...labels,
      "containerd.io/gc.ref.content.config": CONFIG,
      "containerd.io/gc.ref.content.l.0": LAYER,
    }),
    info(CONFIG, labels),
    info(LAYER, labels),
  ];
}

const ALL = [INDEX, MANIFEST, CONFIG, LAYER];

/** What an update told, in short. */
function short(events: readonly ContentEvent[]): string[] {
  return events.map((event) =>
    "digest" in event
      ? `${event.kind} ${
        "name" in event ? `${event.name} ` : ""
      }${event.digest}`
      : `${event.kind} ${event.name}`
  ).toSorted();
}

const expected = (...lines: string[]) => lines.toSorted();

Deno.test("catalog() tells all of the first listing", () => {
  const events = make().catalog.update(image(), [{
    name: NAME,
    target: INDEX,
  }]);
  assert.deepEqual(
    short(events),
    expected(
      ...ALL.map((digest) => `created ${digest}`),
      `tagged ${NAME} ${INDEX}`,
    ),
  );
});

Deno.test("catalog() tells content before its names, and names before it goes", () => {
  const { catalog } = make();
  const names = [{ name: NAME, target: INDEX }];
  const kinds = (events: readonly ContentEvent[]) =>
    events.map(({ kind }) => kind);
  assert.deepEqual(kinds(catalog.update([info(INDEX)], names)), [
    "created",
    "tagged",
  ]);
  assert.deepEqual(kinds(catalog.update([], [])), ["untagged", "deleted"]);
});

Deno.test("catalog() tells only what changed", () => {
  const { catalog } = make();
  const other = "docker.io/a:v1";
  catalog.update([info(INDEX), info(LAYER)], [
    { name: NAME, target: INDEX },
    { name: other, target: INDEX },
  ]);
  const again = catalog.update([info(INDEX), info(CONFIG)], [
    { name: NAME, target: CONFIG },
  ]);
  assert.deepEqual(
    short(again),
    expected(
      `created ${CONFIG}`,
      `deleted ${LAYER}`,
      `tagged ${NAME} ${CONFIG}`,
      `untagged ${other}`,
    ),
  );
  assert.deepEqual(
    catalog.update([info(INDEX), info(CONFIG)], [
      { name: NAME, target: CONFIG },
    ]),
    [],
  );
});

Deno.test("catalog() takes announcements once, and lists do not repeat them", () => {
  const { catalog } = make();
  const created = { kind: "created", digest: LAYER };
  assert.deepEqual(catalog.created(LAYER), created);
  assert.equal(catalog.created(LAYER), null);
  assert.deepEqual(catalog.update([info(LAYER)], []), []);
  assert.deepEqual(catalog.deleted(LAYER), {
    kind: "deleted",
    digest: LAYER,
  });
  assert.equal(catalog.deleted(LAYER), null);
  assert.deepEqual(catalog.update([info(LAYER)], []), [created]);
});

Deno.test("catalog() takes names that are announced once, if they are tags that are shared", () => {
  const { catalog, oddNames } = make({ resolveLatestTag: false });
  const name = NAME;
  const event = { kind: "tagged", name, digest: INDEX };
  assert.deepEqual(catalog.tagged({ name, target: INDEX }), event);
  assert.equal(catalog.tagged({ name, target: INDEX }), null);
  const moved = { ...event, digest: MANIFEST };
  assert.deepEqual(catalog.tagged({ name, target: MANIFEST }), moved);
  assert.deepEqual(catalog.update([], [{ name, target: MANIFEST }]), []);
  const others = [INDEX, `app/x@${INDEX}`, "10.0.0.1:5000/app:latest", "a/b/"];
  for (const name of others) {
    assert.equal(catalog.tagged({ name, target: INDEX }), null, name);
  }
  assert.deepEqual(oddNames, ["a/b/"]);
});

Deno.test("catalog() tells all again after restart()", () => {
  const { catalog } = make();
  const update = () => catalog.update(image(), [{ name: NAME, target: INDEX }]);
  const first = update();
  assert.deepEqual(update(), []);
  catalog.restart();
  assert.deepEqual(update(), first);
});

Deno.test("catalog() knows configs and layers from manifests", () => {
  const { catalog } = make();
  assert.ok(!catalog.isBlob(LAYER), "nothing is known yet");
  catalog.update(image(), []);
  assert.deepEqual(ALL.map(catalog.isBlob), [false, false, true, true]);
  catalog.update([], []);
  assert.ok(!catalog.isBlob(LAYER), "it is forgotten");
});

Deno.test("catalog() takes only names of registry, repository and tag for tags", () => {
  const { catalog, oddNames } = make();
  const names = [
    NAME,
    `${NAME}@${INDEX}`,
    `10.0.0.1:5000/team/app@${INDEX}`,
    INDEX,
    "short",
    "docker.io/UPPER:v1",
  ];
  const images = names.map((name) => ({ name, target: INDEX }));
  for (let round = 0; round < 2; round++) {
    catalog.restart();
    const events = catalog.update([], images);
    assert.deepEqual(short(events), [`tagged ${NAME} ${INDEX}`]);
  }
  assert.deepEqual(oddNames, ["docker.io/UPPER:v1"], "told once");
});

Deno.test("catalog() remembers a bounded number of odd names", () => {
  const { catalog, oddNames } = make();
  const images = Array.from({ length: 5_000 }, (_, index) => ({
    name: `odd name/${index}`,
    target: INDEX,
  }));
  catalog.update([], images);
  catalog.update([], images);
  assert.ok(oddNames.length > 0);
  assert.equal(new Set(oddNames).size, oddNames.length);
  assert.ok(oddNames.length < images.length);
});

Deno.test.each<Partial<FilterOptions> & { name: string; tags: string[] }>([
  { name: "nothing set", tags: ["latest", "v1"] },
  { name: "no tags", resolveTags: false, tags: [] },
  { name: "no latest", resolveLatestTag: false, tags: ["v1"] },
  { name: "a filter", registryFilters: [/:v1$/], tags: ["latest"] },
  { name: "a registry", mirroredRegistries: ["other.io"], tags: [] },
])("catalog() with $name shares the right tags", ({ tags, ...options }) => {
  const events = make(options).catalog.update(
    [],
    ["v1", "latest"].map((tag) => ({
      name: `docker.io/a:${tag}`,
      target: INDEX,
    })),
  );
  assert.deepEqual(
    short(events),
    tags.map((tag) => `tagged docker.io/a:${tag} ${INDEX}`),
  );
});

interface SharedRow extends Partial<FilterOptions> {
  readonly name: string;
  readonly contents: readonly CatalogEntry[];
  readonly images?: readonly string[];
  readonly shared: readonly Digest[];
}

Deno.test.each<SharedRow>([
  {
    name: "no rule, content that nothing names",
    contents: [info(LAYER)],
    shared: [LAYER],
  },
  {
    name: "a rule, content that nothing names",
    registryFilters: [/secret/],
    contents: [info(LAYER)],
    shared: [],
  },
  {
    name: "a mirrored registry, all that its image reaches without labels",
    mirroredRegistries: ["10.0.0.1:5000"],
    contents: image(),
    images: [NAME],
    shared: ALL,
  },
  {
    name: "a mirrored registry on a port, labels without",
    mirroredRegistries: ["10.0.0.1:5000"],
    contents: image({ [`${SOURCE}10.0.0.1`]: "team/app" }),
    shared: ALL,
  },
  {
    name: "another mirrored registry, an image",
    mirroredRegistries: ["docker.io"],
    contents: image(),
    images: [NAME],
    shared: [],
  },
  {
    name: "another mirrored registry, labels",
    mirroredRegistries: ["docker.io"],
    contents: image({ [`${SOURCE}10.0.0.1`]: "team/app" }),
    shared: [],
  },
  {
    name: "a mirrored IPv6 registry, labels",
    mirroredRegistries: ["[fd00::9]:5000"],
    contents: image({ [`${SOURCE}fd00::9`]: "team/app" }),
    shared: ALL,
  },
  {
    name: "a filter of host and port, a label beside an image of it",
    registryFilters: [/^10\.0\.0\.1:5000\//],
    contents: [info(LAYER, { [`${SOURCE}10.0.0.1`]: "team/other" })],
    images: [NAME],
    shared: [],
  },
  {
    name: "a filter, two images of which one is filtered",
    registryFilters: [/\/secret/],
    contents: image(),
    images: [NAME, "docker.io/secret:v1"],
    shared: ALL,
  },
  {
    name: "a filter, a label with a list of which one is filtered",
    registryFilters: [/\/secret/],
    contents: [info(LAYER, { [`${SOURCE}docker.io`]: "secret,team/app" })],
    shared: [LAYER],
  },
  {
    name: "a filter of every repository of a list",
    registryFilters: [/\/secret/, /\/team/],
    contents: [info(LAYER, { [`${SOURCE}docker.io`]: "secret,team/app" })],
    shared: [],
  },
  {
    name: "a filter of a tag, which says nothing of content",
    registryFilters: [/:v1$/],
    contents: image(),
    images: [NAME],
    shared: ALL,
  },
])("catalog() with $name shares the right content", (row) => {
  const { catalog } = make(row);
  const images = (row.images ?? []).map((name) => ({ name, target: INDEX }));
  const events = catalog.update(row.contents, images);
  assert.deepEqual(createdOf(events), row.shared.toSorted());
  for (const content of row.contents) {
    const shared = row.shared.includes(content.digest);
    assert.equal(catalog.isShared(content), shared, content.digest);
  }
});

Deno.test("catalog() walks references that go in a circle", () => {
  const label = "containerd.io/gc.ref.content.m.0";
  const { catalog } = make({ registryFilters: [/secret/] });
  const contents = [
    info(INDEX, { [label]: MANIFEST }),
    info(MANIFEST, { [label]: INDEX }),
  ];
  const events = catalog.update(contents, [{ name: NAME, target: INDEX }]);
  assert.deepEqual(createdOf(events), [INDEX, MANIFEST].toSorted());
});

Deno.test("catalog() looks at content a few times, however many names it has", () => {
  const { catalog } = make({ registryFilters: [/secret/] });
  let looks = 0;
  const counted = {
    ...info(MANIFEST),
    get blobs() {
      looks++;
      return [LAYER];
    },
  };
  const images = Array.from({ length: 1_000 }, (_, index) => ({
    name: `docker.io/app:v${index}`,
    target: MANIFEST,
  }));
  const events = catalog.update([counted, info(LAYER)], images);
  assert.deepEqual(createdOf(events), [MANIFEST, LAYER].toSorted());
  assert.ok(looks <= 3, `${looks} looks`);
});

Deno.test("catalog() stops sharing what only a filtered image reaches now", () => {
  const { catalog } = make({ registryFilters: [/secret/] });
  const share = (tags: readonly string[]): ReturnType<Catalog["update"]> =>
    catalog.update(image(), tags.map((name) => ({ name, target: INDEX })));
  share([NAME, "docker.io/secret:v1"]);
  const events = share(["docker.io/secret:v1"]);
  assert.deepEqual(
    short(events),
    expected(
      `untagged ${NAME}`,
      ...ALL.map((digest) => `deleted ${digest}`),
    ),
  );
});

function createdOf(events: readonly ContentEvent[]): Digest[] {
  return events.flatMap((event) =>
    event.kind === "created" ? [event.digest] : []
  ).toSorted();
}
