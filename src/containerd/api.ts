/**
 * The part of containerd's gRPC API that Peili calls, as protobuf descriptors.
 *
 * Only the fields that are read stand here; protobuf skips the others. The
 * numbers are the same from containerd 1.6 to 2.3 (api/services/content/v1,
 * images/v1, events/v1, version/v1, api/events, api/types).
 *
 * @module
 */

/** A protobuf package in protobuf.js's JSON form. */
export interface ProtobufJson {
  /** Packages, services and messages by name. */
  readonly nested: Record<string, unknown>;
}

/** A field: its type, its number, and what else protobuf.js wants to know. */
export type Field = readonly [type: string, id: number, more?: object];

/** A message with these fields. */
export function message(fields: Record<string, Field>): object {
  return {
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, more]]) => [
        name,
        { type, id, ...more },
      ]),
    ),
  };
}

/** A map from text to text, such as labels. */
export function labels(id: number): Field {
  return ["string", id, { keyType: "string" }];
}

/** Any number of a type. */
export function repeated(type: string, id: number): Field {
  return [type, id, { rule: "repeated" }];
}

const services = {
  content: {
    nested: {
      v1: {
        nested: {
          Content: {
            methods: {
              Info: {
                requestType: "InfoRequest",
                responseType: "InfoResponse",
              },
              List: {
                requestType: "ListContentRequest",
                responseType: "ListContentResponse",
                responseStream: true,
              },
            },
          },
          Info: message({
            digest: ["string", 1],
            size: ["int64", 2],
            labels: labels(5),
          }),
          InfoRequest: message({ digest: ["string", 1] }),
          InfoResponse: message({ info: ["Info", 1] }),
          ListContentRequest: message({ filters: repeated("string", 1) }),
          ListContentResponse: message({ info: repeated("Info", 1) }),
        },
      },
    },
  },
  images: {
    nested: {
      v1: {
        nested: {
          Images: {
            methods: {
              Get: {
                requestType: "GetImageRequest",
                responseType: "GetImageResponse",
              },
              List: {
                requestType: "ListImagesRequest",
                responseType: "ListImagesResponse",
              },
            },
          },
          Image: message({
            name: ["string", 1],
            target: ["containerd.types.Descriptor", 3],
          }),
          GetImageRequest: message({ name: ["string", 1] }),
          GetImageResponse: message({ image: ["Image", 1] }),
          ListImagesRequest: message({ filters: repeated("string", 1) }),
          ListImagesResponse: message({ images: repeated("Image", 1) }),
        },
      },
    },
  },
  events: {
    nested: {
      v1: {
        nested: {
          Events: {
            methods: {
              Subscribe: {
                requestType: "SubscribeRequest",
                responseType: "Envelope",
                responseStream: true,
              },
            },
          },
          SubscribeRequest: message({ filters: repeated("string", 1) }),
          Envelope: message({
            namespace: ["string", 2],
            topic: ["string", 3],
            event: ["Any", 4],
          }),
          // google.protobuf.Any under a name of its own: the loader would
          // unpack the real one by a type URL that containerd does not use.
          Any: message({ typeUrl: ["string", 1], value: ["bytes", 2] }),
        },
      },
    },
  },
  version: {
    nested: {
      v1: {
        nested: {
          Version: {
            methods: {
              Version: {
                requestType: "Empty",
                responseType: "VersionResponse",
              },
            },
          },
          Empty: message({}),
          VersionResponse: message({ version: ["string", 1] }),
        },
      },
    },
  },
};

/** What Peili calls and what it reads. */
export const CONTAINERD_API: ProtobufJson = {
  nested: {
    containerd: {
      nested: {
        services: { nested: services },
        types: {
          nested: {
            Descriptor: message({
              mediaType: ["string", 1],
              digest: ["string", 2],
              size: ["int64", 3],
            }),
          },
        },
        events: {
          nested: {
            // All events that are listened to begin with what they are about.
            Subject: message({ name: ["string", 1] }),
          },
        },
      },
    },
  },
};
