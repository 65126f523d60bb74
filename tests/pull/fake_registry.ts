/**
 * Images and a registry that has them, or misbehaves as a test says.
 *
 * @module
 */

import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media_type.ts";
import { type FakePeer, httpPeer } from "../mirror/fake_peer.ts";
import { randomBytes } from "../suites/random.ts";

/** Content as a registry has it. */
export interface StoredPiece {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An image, its parts by what they are. */
export interface FakeImage {
  readonly manifest: StoredPiece;
  readonly config: StoredPiece;
  readonly layers: readonly StoredPiece[];
  /** All of them. */
  readonly pieces: readonly StoredPiece[];
}

/** Makes a piece. */
export function piece(
  mediaType: string,
  content: Uint8Array | object,
): StoredPiece {
  const bytes = content instanceof Uint8Array
    ? new Uint8Array(content)
    : new TextEncoder().encode(JSON.stringify(content));
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** What a manifest says of a piece. */
export function described(
  { mediaType, digest, bytes }: StoredPiece,
): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest, size: bytes.length };
}

/** Makes an image with layers of these sizes. */
export function fakeImage(
  layerSizes: readonly number[],
  seed: number = 1,
): FakeImage {
  const layers = layerSizes.map((size, index) =>
    piece(
      "application/vnd.oci.image.layer.v1.tar+gzip",
      randomBytes(size, seed * 100 + index),
    )
  );
  const config = piece("application/vnd.oci.image.config.v1+json", { seed });
  const manifest = piece(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: described(config),
    layers: layers.map(described),
  });
  return { manifest, config, layers, pieces: [manifest, config, ...layers] };
}

/** Makes an index of pieces, with what else its entries say. */
export function fakeIndex(
  entries: readonly (readonly [StoredPiece, object])[],
): StoredPiece {
  return piece(OCI_INDEX, {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: entries.map(([one, rest]) => ({ ...described(one), ...rest })),
  });
}

/** Answers as a good registry does, ranges included. */
export type Good = (request: Request) => Response;

/** Makes the answers of a registry that has this, under `app:v1` for the first. */
export function goodRegistry(pieces: readonly StoredPiece[]): Good {
  return ({ method, url, headers }) => {
    const reference = new URL(url).pathname.split("/").at(-1);
    const found = reference === "v1"
      ? pieces[0]
      : pieces.find(({ digest }) => digest === reference);
    if (!found) return new Response(null, { status: 404 });
    const { bytes, mediaType, digest } = found;
    const from = /^bytes=([0-9]+)-$/.exec(headers.get("Range") ?? "")?.[1];
    const part = bytes.slice(Number(from ?? 0));
    return new Response(method === "HEAD" ? null : part, {
      status: from === undefined ? 200 : 206,
      headers: {
        "Content-Type": mediaType,
        "Content-Length": String(part.length),
        "Docker-Content-Digest": digest,
        ...from !== undefined && {
          "Content-Range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
        },
      },
    });
  };
}

/** What a misbehaving registry does; null: what a good one does. */
export type Misbehaviour = (
  request: Request,
  good: Good,
) => Response | Promise<Response> | null;

/** Starts a registry. */
export function startRegistry(
  pieces: readonly StoredPiece[],
  misbehave: Misbehaviour = () => null,
): FakePeer {
  const good = goodRegistry(pieces);
  return httpPeer((request) => misbehave(request, good) ?? good(request));
}

/**
 * The same answer, cut off after some bytes without a clean end.
 *
 * @param came Resolves when the client has them
 */
export async function brokenAfter(
  bytes: number,
  answer: Response,
  came: () => Promise<void>,
): Promise<Response> {
  const { status, headers } = answer;
  const first = new Uint8Array(await answer.arrayBuffer()).subarray(0, bytes);
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!sent) {
        sent = true;
        return controller.enqueue(first);
      }
      await came();
      controller.error(new Error("cut off by the test"));
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status, headers });
}
