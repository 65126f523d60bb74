/** The zone between the commands `zone` and `run`. @module */

import assert from "node:assert/strict";
import { kubeApi } from "../src/kube/api.ts";
import { readZone, zoneCommand } from "../src/zone.ts";
import { temporaryFolder } from "./hosts/temporary_folder.ts";
import { type FakeApi, fakeApi, nodeIn } from "./kube/fake_api.ts";
import { program, startProgram } from "./program.ts";
import { recordedLog } from "./recorded.ts";

const NEVER = new AbortController().signal;

/** Runs the command with the API of a test; gives what it logs. */
async function asked(
  fake: FakeApi,
  zoneFile: string,
  zone = "",
): Promise<string[]> {
  const log = recordedLog();
  const deps = { openApi: () => kubeApi(fake), log, signal: NEVER };
  await zoneCommand({ node: "a1", zone, zoneFile }, deps);
  return log.lines.map(({ level, msg, zone = "" }) =>
    `${level} ${msg} ${zone}`.trim()
  );
}

Deno.test("zoneCommand() writes what readZone() reads", async () => {
  await using folder = await temporaryFolder({});
  const path = `${folder.path}/zone`;
  const long = "z".repeat(63);
  for (const zone of ["eu-west-1a", long, undefined]) {
    await using fake = await fakeApi(() => ({ body: nodeIn(zone) }));
    await asked(fake, path);
    const log = recordedLog();
    assert.equal(await readZone(path, log), zone ?? "");
    assert.deepEqual(log.lines, []);
  }
});

Deno.test("zoneCommand() asks nobody for a zone that is known", async () => {
  await using fake = await fakeApi(() => ({ body: nodeIn("z1") }));
  assert.deepEqual(await asked(fake, "/none/zone", "z2"), [
    "info the zone is known z2",
  ]);
  assert.deepEqual(fake.requests, []);
});

Deno.test("zoneCommand() never fails, and keeps what it knew", async () => {
  await using folder = await temporaryFolder({ zone: "z1" });
  const path = `${folder.path}/zone`;
  const warned = ["warn the zone cannot be found out"];
  await using fake = await fakeApi(() => ({ body: nodeIn("z2") }));
  // No pod; no token; no place to write to; a name that is no label's value.
  assert.deepEqual(await asked({ ...fake, host: "" }, path), warned);
  assert.deepEqual(
    await asked({ ...fake, serviceAccount: "/none" }, path),
    warned,
  );
  assert.deepEqual(await asked(fake, "/none/zone"), warned);
  await using odd = await fakeApi(() => ({ body: nodeIn("../x") }));
  assert.deepEqual(await asked(odd, path), warned);
  assert.equal(await Deno.readTextFile(path), "z1");
});

Deno.test.each([
  { text: "z1\n", zone: "z1", warns: 0 },
  { text: "", zone: "", warns: 0 },
  { text: "a b", zone: "", warns: 1 },
  { text: "z".repeat(64), zone: "", warns: 1 },
  { text: "z".repeat(1_000_000), zone: "", warns: 1 },
])(
  "readZone() takes the name of a zone and nothing else: $zone",
  async ({ text, zone, warns }) => {
    await using folder = await temporaryFolder({ zone: text });
    const log = recordedLog();
    assert.equal(await readZone(`${folder.path}/zone`, log), zone);
    assert.equal(log.lines.length, warns);
  },
);

Deno.test("readZone() is silent where there is no file, and not where it is a folder", async () => {
  const log = recordedLog();
  assert.equal(await readZone("/none/zone", log), "");
  assert.deepEqual(log.lines, []);
  assert.equal(await readZone("/", log), "");
  assert.equal(log.lines.length, 1);
});

Deno.test("peili zone finds the zone with its set, and peili run takes it up", async () => {
  await using fake = await fakeApi(() => ({ body: nodeIn("z1") }));
  await using folder = await temporaryFolder({});
  const zoneFile = `--zone-file=${folder.path}/zone`;
  const found = await program(
    ["zone", "--node=a1", zoneFile, `--service-account=${fake.serviceAccount}`],
    {
      permissions: [
        "-P=zone",
        `--allow-read=${fake.serviceAccount}`,
        `--allow-write=${folder.path}`,
      ],
      env: {
        KUBERNETES_SERVICE_HOST: fake.host,
        KUBERNETES_SERVICE_PORT: fake.port,
      },
    },
  );
  assert.equal(found.code, 0, found.stderr);
  assert.equal(JSON.parse(found.stderr).zone, "z1");

  const permissions = ["-P=run", `--allow-read=${folder.path}`];
  const addresses = ["mirror", "peer", "metrics"]
    .map((name) => `--${name}-addr=127.0.0.1:0`);
  const zoneOf = async (...more: string[]) => {
    const args = [
      "run",
      `--store=layout:${folder.path}`,
      ...addresses,
      ...more,
    ];
    await using node = startProgram(args, { permissions });
    const { peer, zone } = await node.line("running");
    const answer = await fetch(`http://${peer}/peili/v1/peer`);
    assert.equal((await answer.json()).zone ?? "", zone ?? "");
    return zone;
  };
  assert.equal(await zoneOf(zoneFile), "z1");
  assert.equal(await zoneOf(zoneFile, "--zone=z2"), "z2");
  assert.equal(await zoneOf(`${zoneFile}-of-nobody`), undefined);
});
