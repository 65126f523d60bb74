/** The lab's registry behind TLS of its own CA, with or without client certificates. @module */
import { join } from "node:path/posix";
import { runCommand } from "./command.ts";
import { startDaemon } from "./daemon.ts";
import type { Lab } from "./lab.ts";

/** How long it may take to answer. */
const START_MS = 20_000;

/** A registry that only who has its CA, or a client certificate too, can use. */
export interface TlsRegistry {
  /** ADDRESS:PORT: the registry's name in images. */
  readonly registry: string;
  /** Paths of PEM files by name. */
  readonly pem: Readonly<
    Record<"ca.pem" | "client.pem" | "client.key", string>
  >;
  /** What it was asked for, and what was asked before, where that redirected. */
  requests(): Promise<{ ip: string; uri: string; referer: string }[]>;
}

/** Makes keys and starts it on the content of the lab's registry. */
export async function startTlsRegistry(
  { upstream, folder }: Lab,
  { port, clients }: { port: number; clients: boolean },
): Promise<TlsRegistry> {
  const { ip, namespace } = upstream;
  const path = join(folder.path, `upstream/tls-${port}`);
  await Deno.mkdir(path);
  const certificate = async (name: string, ...more: string[]) => {
    await runCommand([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
      ...["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", `/CN=${name}`],
      ...["-keyout", `${path}/${name}.key`, "-out", `${path}/${name}.pem`],
      ...more,
    ]);
  };
  await certificate("ca");
  const signed = ["-CA", `${path}/ca.pem`, "-CAkey", `${path}/ca.key`];
  const leaf = ["-addext", "basicConstraints=critical,CA:FALSE"];
  const server = ["-addext", `subjectAltName=IP:${ip}`];
  await certificate("server", ...signed, ...leaf, ...server);
  const client = ["-addext", "extendedKeyUsage=clientAuth"];
  await certificate("client", ...signed, ...leaf, ...client);
  const config = join(path, "config.json");
  const tls = {
    certificate: `${path}/server.pem`,
    key: `${path}/server.key`,
    ...(clients ? { clientcas: [`${path}/ca.pem`] } : {}),
  };
  const rootdirectory = join(folder.path, "upstream/data");
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "info", formatter: "json" },
      storage: { filesystem: { rootdirectory } },
      http: { addr: `0.0.0.0:${port}`, tls },
    }),
  );
  const log = join(path, "registry.log");
  const argv = ["docker-registry", "serve", config];
  const name = "the registry behind TLS";
  const daemon = await startDaemon(folder, { name, argv, log, namespace });
  const keys = ["--cert", `${path}/client.pem`, "--key", `${path}/client.key`];
  await daemon.until("to answer", START_MS, async () => {
    const curl = ["--cacert", `${path}/ca.pem`, ...(clients ? keys : [])];
    return await upstream.httpStatus(`https://${ip}:${port}/v2/`, ...curl) ===
      200;
  });
  return {
    registry: `${ip}:${port}`,
    pem: {
      "ca.pem": `${path}/ca.pem`,
      "client.pem": `${path}/client.pem`,
      "client.key": `${path}/client.key`,
    },
    requests: () => requestsIn(log),
  };
}

async function requestsIn(log: string) {
  const text = await Deno.readTextFile(log);
  return text.split("\n")
    .filter((line) => line.includes('"response completed"'))
    .map((line) => JSON.parse(line))
    .map((entry) => ({
      ip: String(entry["http.request.remoteaddr"]).split(":")[0] ?? "",
      uri: String(entry["http.request.uri"]),
      referer: String(entry["http.request.referer"] ?? ""),
    }));
}
