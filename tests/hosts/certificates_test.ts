/**
 * Certificates beside hosts.toml.
 * @module
 */

import assert from "node:assert/strict";
import { certificateSettings } from "../../src/hosts/certificates.ts";

Deno.test("certificateSettings() pairs certificates with their keys", () => {
  const names = ["b.cert", "z.crt", "a.key", "a.cert", "a.crt", "note.txt"];
  assert.deepEqual(certificateSettings(names), {
    ca: ["a.crt", "z.crt"],
    client: [["a.cert", "a.key"], "b.cert"],
  });
});

Deno.test("certificateSettings() says nothing without certificates", () => {
  assert.deepEqual(certificateSettings(["hosts.toml", "x.key"]), {});
});
