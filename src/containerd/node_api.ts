/**
 * The part of containerd's gRPC API, and of Kubernetes' CRI, that tells how a
 * node is set up and makes an image of its own; as protobuf descriptors.
 *
 * Apart from what a running node calls, which need not know of it. The numbers
 * are the same from containerd 1.6 to 2.3 (api/services/introspection/v1,
 * namespaces/v1, leases/v1, content/v1, images/v1; k8s.io/cri-api runtime.v1).
 *
 * @module
 */

import { labels, message, type ProtobufJson, repeated } from "./api.ts";

/** A service whose methods have these requests and answers. */
function service(methods: Record<string, [request: string, answer: string]>) {
  const entries = Object.entries(methods)
    .map(([name, [requestType, responseType]]) => [
      name,
      { requestType, responseType },
    ]);
  return { methods: Object.fromEntries(entries) };
}

/** A package `name.v1` with these services and messages. */
function v1(nested: Record<string, object>): object {
  return { nested: { v1: { nested: { Empty: message({}), ...nested } } } };
}

const introspection = v1({
  Introspection: service({ Plugins: ["PluginsRequest", "PluginsResponse"] }),
  PluginsRequest: message({ filters: repeated("string", 1) }),
  PluginsResponse: message({ plugins: repeated("Plugin", 1) }),
  Plugin: message({
    type: ["string", 1],
    id: ["string", 2],
    exports: labels(5),
    ["init_err"]: ["Status", 7],
  }),
  Status: message({ message: ["string", 2] }),
});

const namespaces = v1({
  Namespaces: service({ List: ["Empty", "ListNamespacesResponse"] }),
  ListNamespacesResponse: message({ namespaces: repeated("Namespace", 1) }),
  Namespace: message({ name: ["string", 1] }),
});

const leases = v1({
  Leases: service({
    Create: ["CreateRequest", "Empty"],
    Delete: ["DeleteRequest", "Empty"],
    List: ["Empty", "ListResponse"],
  }),
  CreateRequest: message({ id: ["string", 1], labels: labels(3) }),
  DeleteRequest: message({ id: ["string", 1], sync: ["bool", 2] }),
  ListResponse: message({ leases: repeated("Lease", 1) }),
  Lease: message({ id: ["string", 1] }),
});

const content = v1({
  Content: service({ Write: ["WriteContentRequest", "WriteContentResponse"] }),
  WriteContentRequest: message({
    action: ["int32", 1],
    ref: ["string", 2],
    total: ["int64", 3],
    expected: ["string", 4],
    data: ["bytes", 6],
    labels: labels(7),
  }),
  WriteContentResponse: message({ action: ["int32", 1] }),
});

const images = v1({
  Images: service({
    Create: ["CreateImageRequest", "Empty"],
    Delete: ["DeleteImageRequest", "Empty"],
  }),
  Image: message({
    name: ["string", 1],
    labels: labels(2),
    target: ["Descriptor", 3],
  }),
  Descriptor: message({
    ["media_type"]: ["string", 1],
    digest: ["string", 2],
    size: ["int64", 3],
  }),
  CreateImageRequest: message({ image: ["Image", 1] }),
  DeleteImageRequest: message({ name: ["string", 1], sync: ["bool", 2] }),
});

const version = v1({
  Version: service({ Version: ["Empty", "VersionResponse"] }),
  VersionResponse: message({ version: ["string", 1] }),
});

const runtime = v1({
  RuntimeService: service({ Status: ["StatusRequest", "StatusResponse"] }),
  StatusRequest: message({ verbose: ["bool", 1] }),
  StatusResponse: message({ info: labels(2) }),
  ImageService: service({
    PullImage: ["ImageRequest", "Empty"],
    RemoveImage: ["ImageRequest", "Empty"],
  }),
  ImageRequest: message({ image: ["ImageSpec", 1] }),
  ImageSpec: message({ image: ["string", 1] }),
});

/** What doctor calls and what it reads. */
export const NODE_API: ProtobufJson = {
  nested: {
    containerd: {
      nested: {
        services: {
          nested: {
            introspection,
            namespaces,
            leases,
            content,
            images,
            version,
          },
        },
      },
    },
    runtime,
  },
};
