/**
 * An API server of a cluster, in this process: TLS, tokens, one answer.
 *
 * @module
 */

import { temporaryFolder } from "../hosts/temporary_folder.ts";

/** An answer of the API: status and body. */
export interface FakeAnswer {
  readonly status?: number;
  readonly body: unknown;
}

/** Where a pod finds the API, and what it is asked. */
export interface FakeApi extends AsyncDisposable {
  readonly host: string;
  readonly port: string;
  /** Folder of token, CA and namespace. */
  readonly serviceAccount: string;
  /** `METHOD PATH AUTHORIZATION` of each request. */
  readonly requests: string[];
}

/**
 * Starts one.
 *
 * @param answers Called with the number of each question, from 0, and its path
 */
export async function fakeApi(
  answers: (question: number, path: string) => FakeAnswer,
): Promise<FakeApi> {
  const folder = await temporaryFolder({
    "ca.crt": CA,
    "token": "t0ken\n",
    "namespace": "system",
  });
  const requests: string[] = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: CERTIFICATE,
    key: KEY,
    onListen() {},
  }, (request) => {
    const { pathname } = new URL(request.url);
    const who = request.headers.get("authorization");
    const question = requests.push(`${request.method} ${pathname} ${who}`) - 1;
    const { status = 200, body } = answers(question, pathname);
    return Response.json(body, { status });
  });
  return {
    host: server.addr.hostname,
    port: String(server.addr.port),
    serviceAccount: folder.path,
    requests,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A DaemonSet's status as the API gives it. */
export function daemonSet(
  { nodes, done, seen = true }: { nodes: number; done: number; seen?: boolean },
): unknown {
  return {
    metadata: { generation: 2 },
    status: {
      observedGeneration: seen ? 2 : 1,
      desiredNumberScheduled: nodes,
      numberReady: done,
    },
  };
}

/** A node as the API gives it; without a zone, it has no such label. */
export function nodeIn(zone?: string): unknown {
  const labels = { "kubernetes.io/os": "linux" };
  const zoned = { ...labels, "topology.kubernetes.io/zone": zone };
  return { metadata: { labels: zone === undefined ? labels : zoned } };
}

// Of no use outside this file: made for 127.0.0.1, valid until 2126.
const CA = `-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUAkrYZHNUZycnhVOGgVrLE4kwFZowCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTg1NjU1WhgPMjEyNjEwMjgxODU2NTVa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ/1AWS/p
9xbBeCCVKJCVQoocXax4yhrbSXdcItPZNnXVYDmSKxqmCB1GbWmhnh87BtG79CNU
kEd4h1K9e3bGaqNTMFEwHQYDVR0OBBYEFJ5YmgNgPnYEqVgTFkEKUPFAuwixMB8G
A1UdIwQYMBaAFJ5YmgNgPnYEqVgTFkEKUPFAuwixMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIhAO1cgSsVWMoDF88R8XaFdK57laGlY6gckPu2D6lD
JhTUAiAijwzBAM716i7JRYbhchD4alubuE09MAVlEmqvxCF36g==
-----END CERTIFICATE-----
`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfzCCASagAwIBAgIUbTOcsNdZP5JQkga1D7ecVu/nQqcwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTg1NjU1WhgPMjEyNjEwMjgxODU2NTVa
MA4xDDAKBgNVBAMMA2FwaTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJZ/y4j6
VUGMvk7syGfPaApEbhf1KvqUFxveIEBgK5/jxew8iLUs1UWw9TMh+QPOeqnnfTwT
6mbgCv7dEPp5tEijYTBfMB0GA1UdDgQWBBQNlTWvA6k9YPPfQwYh1vDbuhVdVjAf
BgNVHSMEGDAWgBSeWJoDYD52BKlYExZBClDxQLsIsTAMBgNVHRMBAf8EAjAAMA8G
A1UdEQQIMAaHBH8AAAEwCgYIKoZIzj0EAwIDRwAwRAIgZh0O3lb0+Be//7r5YWiF
h/BSfGqdYEz57+FUMOVD4uoCICIyECLSFngtYNZtad7zwyRiRTL14rFxB/+7cIMW
xkk6
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPfwumOpHp+GAnsoB
SmtFCtogi04Xr4xebRwqne5wP6ChRANCAASWf8uI+lVBjL5O7Mhnz2gKRG4X9Sr6
lBcb3iBAYCuf48XsPIi1LNVFsPUzIfkDznqp5308E+pm4Ar+3RD6ebRI
-----END PRIVATE KEY-----
`;
