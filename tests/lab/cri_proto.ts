/**
 * The part of Kubernetes' Container Runtime Interface that the lab speaks
 * (k8s.io/cri-api, runtime.v1), as a JSON description for protobuf.js.
 *
 * @module
 */

/** A message whose fields have these types and numbers. */
function message(
  fields: Record<string, [type: string, id: number]>,
): { fields: Record<string, { type: string; id: number }> } {
  const entries = Object.entries(fields)
    .map(([name, [type, id]]) => [name, { type, id }]);
  return { fields: Object.fromEntries(entries) };
}

/** A service whose methods take NAMERequest and give NAMEResponse. */
function service(
  names: string[],
): { methods: Record<string, { requestType: string; responseType: string }> } {
  const entries = names.map((name) => [name, {
    requestType: `${name}Request`,
    responseType: `${name}Response`,
  }]);
  return { methods: Object.fromEntries(entries) };
}

const MESSAGES = {
  ImageService: service(["PullImage", "RemoveImage"]),
  RuntimeService: service(["Version"]),
  VersionRequest: message({ version: ["string", 1] }),
  VersionResponse: message({
    version: ["string", 1],
    runtimeName: ["string", 2],
    runtimeVersion: ["string", 3],
    runtimeApiVersion: ["string", 4],
  }),
  ImageSpec: message({ image: ["string", 1] }),
  AuthConfig: message({
    username: ["string", 1],
    password: ["string", 2],
    auth: ["string", 3],
    serverAddress: ["string", 4],
    identityToken: ["string", 5],
    registryToken: ["string", 6],
  }),
  PullImageRequest: message({
    image: ["ImageSpec", 1],
    auth: ["AuthConfig", 2],
  }),
  PullImageResponse: message({ imageRef: ["string", 1] }),
  RemoveImageRequest: message({ image: ["ImageSpec", 1] }),
  RemoveImageResponse: message({}),
};

/** The description in the shape that `@grpc/proto-loader` takes. */
export const CRI_DESCRIPTION: { nested: Record<string, object> } = {
  nested: { runtime: { nested: { v1: { nested: MESSAGES } } } },
};
