/**
 * The store in memory: what its suites do not ask.
 *
 * @module
 */

import assert from "node:assert/strict";
import { memoryStore } from "../../src/content/memory.ts";
import { LOCAL } from "../../src/content/source.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { CONTENT, LAYER } from "../suites/content.ts";
import { patient, requestFor, tagged } from "../suites/source_requests.ts";
import { filledMemory } from "./filled_memory.ts";

const [TAG] = CONTENT.tags;

Deno.test("memoryStore() gives what it put its digest", () => {
  const store = memoryStore();
  assert.equal(store.put("hello"), digestOf("hello"));
  assert.equal(store.put(LAYER.bytes), LAYER.digest);
});

Deno.test("memoryStore() says that its content is local", async () => {
  const found = await filledMemory(CONTENT)
    .stat(requestFor("blob", LAYER), patient());
  assert.equal(found?.from, LOCAL);
});

Deno.test.each([
  "ubuntu",
  "ubuntu:latest",
  "docker.io/library/ubuntu",
  `docker.io/library/ubuntu@${digestOf("x")}`,
  `docker.io/library/ubuntu:v1@${digestOf("x")}`,
])("memoryStore() refuses the name %s", (name) => {
  const store = memoryStore();
  assert.throws(() => store.tag(name, digestOf("x")), TypeError);
});

Deno.test("memoryStore() has no tag whose manifest is gone", async () => {
  const store = filledMemory(CONTENT);
  assert.ok(TAG);
  store.delete(TAG.target);
  assert.equal(await store.resolve(tagged("v1"), patient()), null);
});

Deno.test("memoryStore() has no tag whose target is a blob", async () => {
  const store = filledMemory(CONTENT);
  assert.ok(TAG);
  store.tag(TAG.name, LAYER.digest);
  assert.equal(await store.resolve(tagged("v1"), patient()), null);
});

Deno.test("memoryStore() forgets what is deleted or untagged", async () => {
  const store = filledMemory(CONTENT);
  assert.ok(TAG);
  store.delete(LAYER.digest);
  store.untag(TAG.name);
  const request = requestFor("blob", LAYER);
  assert.equal(await store.stat(request, patient()), null);
  assert.equal(await store.resolve(tagged("v1"), patient()), null);
});
