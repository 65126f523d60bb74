/**
 * The part of Kubernetes' Container Runtime Interface that the lab speaks
 * (k8s.io/cri-api, runtime.v1), as a JSON description for protobuf.js.
 *
 * @module
 */

/** A field as protobuf.js describes it. */
interface FieldDescription {
  type: string;
  id: number;
  rule?: "repeated";
  keyType?: "string";
}

/**
 * A message whose fields have these types and numbers. A type may be `repeated
 * TYPE`, or `map TYPE` with strings as its keys.
 */
function message(
  fields: Record<string, [type: string, id: number]>,
): { fields: Record<string, FieldDescription> } {
  const entries = Object.entries(fields).map(([name, [words, id]]) => {
    const [word = "", type = word] = words.split(" ");
    const field: FieldDescription = { type, id };
    if (word === "repeated") field.rule = "repeated";
    if (word === "map") field.keyType = "string";
    return [name, field];
  });
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
  RuntimeService: service([
    "Version",
    "Status",
    "RunPodSandbox",
    "StopPodSandbox",
    "RemovePodSandbox",
    "PodSandboxStatus",
    "CreateContainer",
    "StartContainer",
    "StopContainer",
    "ContainerStatus",
  ]),
  VersionRequest: message({ version: ["string", 1] }),
  VersionResponse: message({
    version: ["string", 1],
    runtimeName: ["string", 2],
    runtimeVersion: ["string", 3],
    runtimeApiVersion: ["string", 4],
  }),
  StatusRequest: message({}),
  RuntimeCondition: message({ type: ["string", 1], status: ["bool", 2] }),
  RuntimeStatus: message({ conditions: ["repeated RuntimeCondition", 1] }),
  StatusResponse: message({ status: ["RuntimeStatus", 1] }),
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
  PodSandboxMetadata: message({
    name: ["string", 1],
    uid: ["string", 2],
    namespace: ["string", 3],
    attempt: ["uint32", 4],
  }),
  // Of the enumeration NamespaceMode: 0 a pod's, 1 a container's, 2 the node's.
  NamespaceOption: message({ network: ["int32", 1], pid: ["int32", 2] }),
  LinuxSandboxSecurityContext: message({
    namespaceOptions: ["NamespaceOption", 1],
    seccomp: ["SecurityProfile", 9],
  }),
  LinuxPodSandboxConfig: message({
    cgroupParent: ["string", 1],
    securityContext: ["LinuxSandboxSecurityContext", 2],
  }),
  DNSConfig: message({
    servers: ["repeated string", 1],
    searches: ["repeated string", 2],
    options: ["repeated string", 3],
  }),
  // Of the enumeration Protocol: 0 TCP.
  PortMapping: message({
    protocol: ["int32", 1],
    containerPort: ["int32", 2],
    hostPort: ["int32", 3],
  }),
  PodSandboxConfig: message({
    metadata: ["PodSandboxMetadata", 1],
    hostname: ["string", 2],
    logDirectory: ["string", 3],
    dnsConfig: ["DNSConfig", 4],
    portMappings: ["repeated PortMapping", 5],
    linux: ["LinuxPodSandboxConfig", 8],
  }),
  RunPodSandboxRequest: message({ config: ["PodSandboxConfig", 1] }),
  RunPodSandboxResponse: message({ podSandboxId: ["string", 1] }),
  StopPodSandboxRequest: message({ podSandboxId: ["string", 1] }),
  StopPodSandboxResponse: message({}),
  RemovePodSandboxRequest: message({ podSandboxId: ["string", 1] }),
  RemovePodSandboxResponse: message({}),
  PodSandboxStatusRequest: message({ podSandboxId: ["string", 1] }),
  PodSandboxNetworkStatus: message({ ip: ["string", 1] }),
  PodSandboxStatus: message({ network: ["PodSandboxNetworkStatus", 5] }),
  PodSandboxStatusResponse: message({ status: ["PodSandboxStatus", 1] }),
  ContainerMetadata: message({ name: ["string", 1], attempt: ["uint32", 2] }),
  KeyValue: message({ key: ["string", 1], value: ["string", 2] }),
  // Of the enumeration MountPropagation: 0 none, 1 from the node.
  Mount: message({
    containerPath: ["string", 1],
    hostPath: ["string", 2],
    readonly: ["bool", 3],
    propagation: ["int32", 5],
  }),
  LinuxContainerResources: message({
    memoryLimitInBytes: ["int64", 4],
    oomScoreAdj: ["int64", 5],
  }),
  Capability: message({
    addCapabilities: ["repeated string", 1],
    dropCapabilities: ["repeated string", 2],
  }),
  // Of the enumeration ProfileType: 0 what containerd has by itself.
  SecurityProfile: message({ profileType: ["int32", 1] }),
  Int64Value: message({ value: ["int64", 1] }),
  LinuxContainerSecurityContext: message({
    capabilities: ["Capability", 1],
    namespaceOptions: ["NamespaceOption", 3],
    runAsUser: ["Int64Value", 5],
    readonlyRootfs: ["bool", 7],
    noNewPrivs: ["bool", 11],
    runAsGroup: ["Int64Value", 12],
    seccomp: ["SecurityProfile", 15],
  }),
  LinuxContainerConfig: message({
    resources: ["LinuxContainerResources", 1],
    securityContext: ["LinuxContainerSecurityContext", 2],
  }),
  ContainerConfig: message({
    metadata: ["ContainerMetadata", 1],
    image: ["ImageSpec", 2],
    command: ["repeated string", 3],
    args: ["repeated string", 4],
    envs: ["repeated KeyValue", 6],
    mounts: ["repeated Mount", 7],
    logPath: ["string", 11],
    linux: ["LinuxContainerConfig", 15],
  }),
  CreateContainerRequest: message({
    podSandboxId: ["string", 1],
    config: ["ContainerConfig", 2],
    sandboxConfig: ["PodSandboxConfig", 3],
  }),
  CreateContainerResponse: message({ containerId: ["string", 1] }),
  StartContainerRequest: message({ containerId: ["string", 1] }),
  StartContainerResponse: message({}),
  StopContainerRequest: message({
    containerId: ["string", 1],
    timeout: ["int64", 2],
  }),
  StopContainerResponse: message({}),
  ContainerStatusRequest: message({
    containerId: ["string", 1],
    verbose: ["bool", 2],
  }),
  // Of the enumeration ContainerState: 1 running, 2 exited.
  ContainerStatus: message({
    state: ["int32", 3],
    startedAt: ["int64", 5],
    exitCode: ["int32", 7],
    reason: ["string", 10],
  }),
  ContainerStatusResponse: message({
    status: ["ContainerStatus", 1],
    info: ["map string", 2],
  }),
};

/** The description in the shape that `@grpc/proto-loader` takes. */
export const CRI_DESCRIPTION: { nested: Record<string, object> } = {
  nested: { runtime: { nested: { v1: { nested: MESSAGES } } } },
};
