/** Image archives, as `ctr images import` reads them. @module */
import { blobPath, type ImageInfo } from "./images.ts";
import { type TarFile, tarOf } from "./tar.ts";

/**
 * Writes a tar of an image's OCI layout (image-spec v1.1).
 *
 * @param path The file to write.
 * @param name The reference that the image is to have in containerd.
 */
export async function writeArchive(
  path: string,
  image: ImageInfo,
  name: string,
): Promise<void> {
  const { mediaType, digest, size, layout, manifests } = image;
  const annotations = { "io.containerd.image.name": name };
  const root = { mediaType, digest, size, annotations };
  const index = { schemaVersion: 2, manifests: [root] };
  const blobs = manifests.flatMap(({ digest, config, layers }) => [
    digest,
    config.digest,
    ...layers.map((layer) => layer.digest),
  ]);
  const files = [
    jsonFile("oci-layout", { imageLayoutVersion: "1.0.0" }),
    jsonFile("index.json", index),
  ];
  for (const blob of new Set([digest, ...blobs])) {
    const data = await Deno.readFile(blobPath(layout, blob));
    files.push({ name: `blobs/${blob.replace(":", "/")}`, data });
  }
  await Deno.writeFile(path, tarOf(files));
}

function jsonFile(name: string, value: unknown): TarFile {
  return { name, data: new TextEncoder().encode(JSON.stringify(value)) };
}
