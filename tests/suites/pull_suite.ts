/**
 * The pull workflow of the OCI distribution spec v1.1.1 as a suite: run it over
 * every listener and every store. Each case names the spec's endpoint.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CONTENT, type Content, REGISTRY, REPOSITORY } from "./content.ts";
import { pullBlobCases } from "./pull_blobs.ts";
import { pullManifestCases } from "./pull_manifests.ts";
import { pullRefusalCases } from "./pull_refusals.ts";
import {
  ask,
  type AskRegistry,
  type Naming,
  registryClient,
} from "./registry_client.ts";

/** A registry that is full, until it is disposed of. */
export interface ServedRegistry extends AsyncDisposable {
  /** Its base, `http://host:port`. */
  readonly url: string;
}

/** Serves exactly this content; it may take its time. */
export type ServeContent = (content: Content) => Promise<ServedRegistry>;

/** One thing that a registry must do: its endpoint, a sentence and its check. */
export interface PullCase {
  /** The spec's id: `end-2`. */
  readonly endpoint: string;
  /** What holds. */
  readonly name: string;
  /** Fails when it does not. */
  check(ask: AskRegistry): Promise<void>;
}

/**
 * A client that knows of mirrors says the registry in `ns`, as containerd does;
 * any other says it in the name, where no port can be.
 */
const NAMINGS: readonly Naming[] = [
  {
    name: "a client that sends ns",
    path: `/v2/${REPOSITORY}`,
    query: `ns=${encodeURIComponent(REGISTRY)}`,
  },
  {
    name: "a plain client",
    path: `/v2/${REGISTRY.replace(":", "_")}/${REPOSITORY}`,
    query: "",
  },
];

/**
 * Registers the suite. The registry is filled once: it is only read.
 *
 * @param name What is tested, `the peer listener over memoryStore()`
 * @param serve Makes it
 */
export function pullSuite(name: string, serve: ServeContent): void {
  Deno.test(`${name} conforms to the OCI distribution spec's pull`, async (test) => {
    await using served = await serve(CONTENT);
    await test.step("end-1: /v2/ says that this is a registry", () =>
      isRegistry(served.url));
    const cases = [
      ...pullBlobCases(),
      ...pullManifestCases(),
      ...pullRefusalCases(),
    ];
    for (const naming of NAMINGS) {
      const client = registryClient(served.url, naming);
      for (const { endpoint, name, check } of cases) {
        await test.step(`${endpoint}, ${naming.name}: ${name}`, () =>
          check(client));
      }
    }
  });
}

async function isRegistry(url: string): Promise<void> {
  for (const method of ["GET", "HEAD"]) {
    const answer = await ask(method, `${url}/v2/`);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("WWW-Authenticate"), null);
  }
}
