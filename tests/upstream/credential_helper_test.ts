/**
 * Real programs that keep credentials, and some that do not.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type TemporaryFolder,
  temporaryFolder,
} from "../hosts/temporary_folder.ts";
import { program, ROOT } from "../program.ts";

/** Asks these helpers, one after the other, and prints what came of it. */
const ASK = `
import { runCredentialHelper } from "${ROOT}src/upstream/credential_helper.ts";
import { describeError } from "${ROOT}src/log.ts";
const { signal } = new AbortController();
const outcomes = {};
for (const name of Deno.args) {
  try {
    outcomes[name] = await runCredentialHelper(name, "ghcr.io", signal);
  } catch (error) {
    outcomes[name] = describeError(error);
  }
}
console.log(JSON.stringify(outcomes));
`;

const HELPERS: Record<string, string> = {
  good:
    `read -r server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"me at $server via $1\\",\\"Secret\\":\\"x\\"}"`,
  token: `echo '{"Username":"<token>","Secret":"long"}'`,
  none: `echo "credentials not found in native keychain"; exit 1`,
  locked: `echo "the keychain is locked"; exit 1`,
  silent: `exit 3`,
  odd: `echo "SECRET"`,
};

async function helpersFolder(): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(HELPERS)) {
    const file = `docker-credential-${name}`;
    await folder.write(file, `#!/bin/sh\n${text}\n`);
    await Deno.chmod(`${folder.path}/${file}`, 0o755);
  }
  return folder;
}

Deno.test("runCredentialHelper() runs programs, and says which failed and how", async () => {
  await using folder = await helpersFolder();
  const names = [...Object.keys(HELPERS), "absent", "../../bin/sh"];
  const { stdout, stderr } = await program(names, {
    permissions: ["--allow-run", "--allow-read"],
    script: ASK,
    env: { PATH: `${folder.path}:/usr/bin:/bin` },
  });
  assert.notEqual(stdout, "", stderr);
  const { absent, ...outcomes } = JSON.parse(stdout);
  assert.deepEqual(outcomes, {
    good: {
      kind: "password",
      username: "me at ghcr.io via get",
      password: "x",
    },
    token: { kind: "identity-token", token: "long" },
    none: null,
    locked: "Cannot use docker-credential-locked: the keychain is locked",
    silent: "Cannot use docker-credential-silent: exit code 3",
    // What it printed may be a secret.
    odd: "Cannot use docker-credential-odd: it printed no credentials",
    "../../bin/sh":
      "Cannot run docker-credential-../../bin/sh: it is no program's name",
  });
  assert.match(absent, /^Cannot run docker-credential-absent: is it in PATH\?/);
});

Deno.test("runCredentialHelper() names the permission that it lacks", async () => {
  await using folder = await helpersFolder();
  const { stdout, stderr } = await program(["good"], {
    permissions: [],
    script: ASK,
    env: { PATH: `${folder.path}:/usr/bin:/bin` },
  });
  assert.notEqual(stdout, "", stderr);
  assert.match(
    JSON.parse(stdout).good,
    /^Cannot run docker-credential-good: allow it with --allow-run=docker-credential-good/,
  );
});

/** Neither it nor what it starts ends when it is asked to; its file does. */
const STUCK = `#!/bin/sh
trap '' TERM
(while [ -e "$MARK" ]; do sleep 0.05; done) &
echo begun > "$MARK"
wait
`;

const ASK_STUCK = `
import { runCredentialHelper } from "${ROOT}src/upstream/credential_helper.ts";
import { describeError } from "${ROOT}src/log.ts";
const stop = new AbortController();
const asked = runCredentialHelper("stuck", "ghcr.io", stop.signal);
while (await Deno.readTextFile(Deno.env.get("MARK")) === "") {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
stop.abort(new Error("it is late"));
console.log(await asked.catch(describeError));
`;

Deno.test("runCredentialHelper() ends one that does not listen, and waits for nobody that it started", async () => {
  await using folder = await temporaryFolder({ mark: "" });
  const helper = "docker-credential-stuck";
  await folder.write(helper, STUCK);
  await Deno.chmod(`${folder.path}/${helper}`, 0o755);
  const { stdout, stderr } = await program([], {
    permissions: ["--allow-run", "--allow-read", "--allow-env=MARK"],
    script: ASK_STUCK,
    env: { PATH: `${folder.path}:/usr/bin:/bin`, MARK: `${folder.path}/mark` },
  });
  assert.equal(stdout, `Cannot use ${helper}: it is late\n`, stderr);
});
