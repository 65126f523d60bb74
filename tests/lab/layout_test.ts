/** Tools that know nothing of Peili fill a folder that is served. @module */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { OCI_MANIFEST } from "../../src/oci/media_type.ts";
import {
  type LayoutFolder,
  layoutFolder,
  REF_NAME,
} from "../layout/layout_folder.ts";
import { jsonPiece, pieceOf, putAll } from "../layout/layout_images.ts";
import { type Program, startProgram } from "../program.ts";
import { eventually } from "../suites/eventually.ts";
import { randomBytes } from "../suites/random.ts";
import { runCommand } from "./command.ts";

const SKOPEO = ["skopeo", "--insecure-policy", "copy", "--preserve-digests"];

/** An image that skopeo takes for one, in a folder of its own, as `src`. */
async function sourceImage(): Promise<LayoutFolder> {
  const folder = await layoutFolder();
  const layer = pieceOf(
    "application/vnd.oci.image.layer.v1.tar+gzip",
    gzipSync(randomBytes(6 << 20, 1)),
  );
  const config = jsonPiece("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const manifest = jsonPiece(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  await putAll(folder, [layer, config, manifest]);
  await folder.refer(manifest, { [REF_NAME]: "src" });
  const version = JSON.stringify({ imageLayoutVersion: "1.0.0" });
  await Deno.writeTextFile(`${folder.path}/oci-layout`, version);
  return folder;
}

function serve({ path }: LayoutFolder): Program {
  const addresses = ["mirror", "peer", "metrics"]
    .map((name) => `--${name}-addr=127.0.0.1:0`);
  return startProgram(["run", `--store=layout:${path}`, ...addresses], {
    permissions: ["-P=run", `--allow-read=${path}`],
  });
}

/** What a tag of a registry is answered with. */
async function statusOf(address: unknown, path: string): Promise<number> {
  const answer = await fetch(`http://${address}/v2/${path}`, {
    method: "HEAD",
  });
  return answer.status;
}

Deno.test("skopeo fills a folder that is served, and copies from it", async () => {
  await using source = await sourceImage();
  await using folder = await layoutFolder();
  await using node = serve(folder);
  const { mirror } = await node.line("running");
  const names = ["docker.io/library/nginx:1.27", "nginx:1.28", "1.29"];
  for (const name of names) {
    const to = `oci:${folder.path}:${name}`;
    await runCommand([...SKOPEO, `oci:${source.path}:src`, to]);
  }
  const tags = "library/nginx/manifests";
  await eventually(
    "the image has its names",
    async () =>
      await statusOf(mirror, `${tags}/1.27?ns=docker.io`) === 200 &&
      await statusOf(mirror, `${tags}/1.28?ns=docker.io`) === 200,
  );
  assert.equal(await statusOf(mirror, `${tags}/1.29?ns=docker.io`), 404);
  const line = await node.line(
    "an image has no full name (registry/repository:tag): it is served by digest only",
  );
  assert.equal(line.name, "1.29");

  const { manifests: [image] } = await source.index();
  await using copy = await layoutFolder();
  await runCommand([
    ...SKOPEO,
    "--src-tls-verify=false",
    `docker://${mirror}/library/nginx@${image?.digest}`,
    `oci:${copy.path}:copy`,
  ]);
  const { manifests: [copied] } = await copy.index();
  assert.equal(copied?.digest, image?.digest);
});
