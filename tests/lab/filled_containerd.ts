/** A real containerd that has the content of a suite. @module */
import { join } from "node:path/posix";
import type { Content, Piece } from "../suites/content.ts";
import { Lab } from "./lab.ts";
import type { Node } from "./node.ts";
import { tarOf } from "./tar.ts";
import type { ContainerdVersion } from "./versions.ts";
import { waitFor } from "./wait.ts";

/** How long a piece may take to stay. */
const STAY_MS = 10_000;

/** Commits a piece, and keeps the garbage collector from it: it may be faster. */
async function keep(node: Node, piece: Piece): Promise<void> {
  const { log } = node.containerd;
  await waitFor(`the ${piece.name} to stay`, async () => {
    await ingest(node, piece);
    return true;
  }, { budgetMs: STAY_MS, log });
}

async function ingest(node: Node, piece: Piece): Promise<void> {
  const { digest, bytes } = piece;
  const { ctr, socket } = node.containerd;
  const file = join(node.path, "piece");
  await Deno.writeFile(file, bytes);
  const content = [
    ctr,
    "--address",
    socket,
    "--namespace",
    "k8s.io",
    "content",
  ];
  const expected = ["--expected-digest", digest];
  const read = ["sh", "-c", 'file=$1; shift; exec "$@" <"$file"', "sh", file];
  await node.exec([
    ...[...read, ...content, "ingest", ...expected],
    ...["--expected-size", String(bytes.length), `suite-${digest}`],
  ]);
  await node.exec([...content, "label", digest, "containerd.io/gc.root=suite"]);
}

/** Gives manifests their names, by an archive: ctr has no other way. */
async function name(node: Node, content: Content): Promise<void> {
  const manifests = content.tags.map(({ name, target }) => {
    const manifest = content.manifests.find(({ digest }) => digest === target);
    return {
      mediaType: manifest?.mediaType,
      digest: target,
      size: manifest?.bytes.length,
      annotations: { "io.containerd.image.name": name },
    };
  });
  const json = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value));
  const archive = tarOf([
    { name: "oci-layout", data: json({ imageLayoutVersion: "1.0.0" }) },
    { name: "index.json", data: json({ schemaVersion: 2, manifests }) },
    ...[...content.blobs, ...content.manifests]
      .filter(({ bytes }) => bytes.length > 0)
      .map(({ digest, bytes }) => ({
        name: `blobs/${digest.replace(":", "/")}`,
        data: bytes,
      })),
  ]);
  const file = join(node.path, "names.tar");
  await Deno.writeFile(file, archive);
  const options = ["--all-platforms", "--no-unpack"];
  await node.ctr(["images", "import", ...options, file]);
}

/** A node whose containerd has exactly some content. */
export interface FilledContainerd extends AsyncDisposable {
  readonly node: Node;
}

/** Starts a containerd and gives it this content. */
export async function filledContainerd(
  version: ContainerdVersion,
  content: Content,
): Promise<FilledContainerd> {
  await using parts = new AsyncDisposableStack();
  const lab = parts.use(await Lab.up({ nodes: 1, containerd: [version] }));
  const node = lab.node(1);
  for (const piece of [...content.blobs, ...content.manifests]) {
    await keep(node, piece);
  }
  await name(node, content);
  const filled = parts.move();
  return { node, [Symbol.asyncDispose]: () => filled.disposeAsync() };
}
