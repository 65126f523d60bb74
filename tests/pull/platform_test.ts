/**
 * Platforms: reading them, and which image of an index runs on one.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  choosePlatform,
  formatPlatform,
  ownPlatform,
  parsePlatform,
  type Platform,
  type WantedPlatform,
} from "../../src/pull/platform.ts";

function platform(text: string): Platform {
  const parsed = parsePlatform(text);
  assert.ok(parsed && parsed !== "all");
  return parsed;
}

Deno.test("parsePlatform() reads what people write", () => {
  const linux = (architecture: string) => ({ os: "linux", architecture });
  const read: [string, WantedPlatform | null][] = [
    ["all", "all"],
    ["linux/amd64", linux("amd64")],
    ["Linux/x86_64", linux("amd64")],
    ["linux/aarch64", linux("arm64")],
    ["linux/arm/v6", { ...linux("arm"), variant: "v6" }],
    ["linux", null],
    ["", null],
    ["linux/", null],
    ["linux/arm/v7/x", null],
    ["linux/amd 64", null],
  ];
  for (const [text, expected] of read) {
    assert.deepEqual(parsePlatform(text), expected, text);
  }
});

Deno.test("ownPlatform() is a platform of Linux", () => {
  assert.equal(platform(ownPlatform()).os, "linux");
  assert.equal(formatPlatform(platform(ownPlatform())), ownPlatform());
});

const CHOICES: { wanted: string; has: string[]; chosen: string[] }[] = [
  {
    wanted: "linux/amd64",
    has: ["linux/arm64", "linux/amd64", "windows/amd64"],
    chosen: ["linux/amd64"],
  },
  {
    wanted: "linux/arm64",
    has: ["linux/arm64/v8"],
    chosen: ["linux/arm64/v8"],
  },
  { wanted: "linux/arm64/v8", has: ["linux/arm64"], chosen: ["linux/arm64"] },
  {
    wanted: "linux/arm",
    has: ["linux/arm/v5", "linux/arm/v7", "linux/arm/v8", "linux/arm/v6"],
    chosen: ["linux/arm/v7"],
  },
  {
    wanted: "linux/arm/v6",
    has: ["linux/arm/v5", "linux/arm/v7"],
    chosen: ["linux/arm/v5"],
  },
  {
    wanted: "linux/amd64/v3",
    has: ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"],
    chosen: ["linux/amd64/v2"],
  },
  { wanted: "linux/amd64", has: ["linux/amd64/v2"], chosen: [] },
  { wanted: "linux/amd64", has: ["linux/amd64/odd"], chosen: [] },
  { wanted: "linux/s390x", has: ["linux/amd64"], chosen: [] },
];

Deno.test.each(CHOICES)(
  "choosePlatform() takes $chosen of $has for $wanted",
  ({ wanted, has, chosen }) => {
    const entries = has.map((text) => ({ platform: platform(text) }));
    const found = choosePlatform(entries, platform(wanted));
    assert.deepEqual(
      found.map((entry) => formatPlatform(entry.platform)),
      chosen,
    );
  },
);

Deno.test("choosePlatform() takes all when all are wanted, or none has one", () => {
  const mixed = [{ platform: platform("linux/arm64") }, {}];
  assert.deepEqual(choosePlatform(mixed, "all"), mixed);
  assert.deepEqual(choosePlatform(mixed, platform("linux/amd64")), []);
  const artifacts = [{}, {}];
  assert.deepEqual(
    choosePlatform(artifacts, platform("linux/amd64")),
    artifacts,
  );
});
