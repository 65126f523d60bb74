/**
 * Saying what installing would do.
 * @module
 */

import assert from "node:assert/strict";
import { installHosts } from "../../src/hosts/install.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import { planHosts } from "../../src/hosts/plan.ts";
import { temporaryFolder } from "./temporary_folder.ts";

Deno.test("planHosts() says what installHosts() does, and touches nothing", async () => {
  const user = 'server = "https://own.example"\n';
  await using at = await temporaryFolder({ "docker.io/hosts.toml": user });
  const wanted = mirrorHosts({
    registries: ["https://docker.io", "_default"],
    mirrorTargets: ["http://10.0.0.1:30020"],
  });
  const plans = await planHosts(at.path, wanted);
  assert.deepEqual(await at.files(), { "docker.io/hosts.toml": user });
  await installHosts(at.path, wanted);
  const decoder = new TextDecoder();
  for (const plan of plans) {
    if (plan.kind !== "write") assert.fail(plan.kind);
    const text = await at.read(`${plan.folder}/hosts.toml`);
    assert.equal(decoder.decode(plan.content.bytes), text);
  }
  const replaced = plans.map((plan) =>
    plan.kind === "write" && plan.replaces
      ? decoder.decode(plan.replaces.bytes)
      : null
  );
  assert.deepEqual(replaced, [user, null]);
});
