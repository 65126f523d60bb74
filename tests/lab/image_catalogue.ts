/** The images that a lab can have, by name. All are made of seeds. @module */

/** A layer with one file of bytes made from a seed. */
export interface LayerSpec {
  seed: string;
  mib: number;
}

/** What an image is made of. */
export type ImageSpec =
  | { kind: "image"; layers: LayerSpec[]; arch?: string }
  | { kind: "index"; images: { arch: string; layers: LayerSpec[] }[] }
  | { kind: "artifact"; text: string };

/** The names in the catalogue. */
export type ImageName =
  | "small"
  | "b100x1"
  | "b100x4"
  | "many"
  | "medium"
  | "big"
  | "sharing"
  | "shared"
  | "multi"
  | "pause"
  | "artifact";

/** Layers of these sizes, each with a seed of its own. */
function layers(seed: string, ...sizes: number[]): LayerSpec[] {
  return sizes.map((mib, i) => ({ seed: `${seed}${i}`, mib }));
}

function times(count: number, mib: number): number[] {
  return Array.from({ length: count }, () => mib);
}

/** Name to content. The sizes are those that the figures are measured with. */
export const IMAGES: Readonly<Record<ImageName, ImageSpec>> = {
  /** 10 MiB in 3 layers. */
  small: { kind: "image", layers: layers("s", 1, 3, 6) },
  /** 100 MB in 1 layer. */
  b100x1: { kind: "image", layers: layers("h", 95.3) },
  /** 100 MB in 4 layers. */
  b100x4: { kind: "image", layers: layers("q", ...times(4, 23.8)) },
  /** 96 MiB in 12 layers: more than containerd pulls at once. */
  many: { kind: "image", layers: layers("n", ...times(12, 8)) },
  /** 300 MiB in 8 layers. */
  medium: { kind: "image", layers: layers("m", ...times(8, 37.5)) },
  /** 200 MiB, nearly all in 1 layer. */
  big: { kind: "image", layers: layers("b", 0.2, 200) },
  /** Two images that have the first 30 of their 40 MiB in common. */
  sharing: {
    kind: "image",
    layers: [...layers("c", 10, 10, 10), ...layers("c-one", 10)],
  },
  shared: {
    kind: "image",
    layers: [...layers("c", 10, 10, 10), ...layers("c-other", 10)],
  },
  /** An index of two platforms. */
  multi: {
    kind: "index",
    images: [
      { arch: "amd64", layers: layers("x-amd64-", 2) },
      { arch: "arm64", layers: layers("x-arm64-", 2) },
    ],
  },
  /** As small as an image can be; nothing in it runs. */
  pause: { kind: "image", layers: layers("p", 0.001) },
  /** No container image: one JSON layer, and the empty config of OCI 1.1. */
  artifact: { kind: "artifact", text: '{"hello":"artifact"}' },
};

/** The same image with other bytes: its digests have nothing in common. */
export function reseeded(spec: ImageSpec, seed: string): ImageSpec {
  const again = (list: readonly LayerSpec[]) =>
    list.map((layer) => ({ ...layer, seed: `${seed}-${layer.seed}` }));
  switch (spec.kind) {
    case "image":
      return { ...spec, layers: again(spec.layers) };
    case "index":
      return {
        ...spec,
        images: spec.images.map((image) => ({
          ...image,
          layers: again(image.layers),
        })),
      };
    case "artifact":
      return { ...spec, text: JSON.stringify({ seed, text: spec.text }) };
  }
}
