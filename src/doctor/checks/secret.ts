/** The deployment's secret can be read and cannot be guessed. @module */

import { readSecretKeys } from "../../proof/secret.ts";
import { type Check, ok, problem, warning } from "../check.ts";
import type { Facts } from "../facts.ts";
import { option, quote, run, tell } from "../fix.ts";

/** Where a secret is put by a fix. */
const SECRET_FILE = "/etc/peili/secret";

/** Checks the file of `--secret-file`. */
export function secret(facts: Facts): Check {
  const { secretFile: path, network } = facts.options;
  return {
    name: "secret",
    async run() {
      if (path === "") {
        const saw = "there is none: whoever reaches the peer port is answered";
        return [
          warning(saw, [
            ...newSecret(SECRET_FILE),
            option("--secret-file", SECRET_FILE),
          ]),
        ];
      }
      try {
        const { weak } = await readSecretKeys(path, network);
        if (!weak) return [ok(`${path} holds it`)];
        return [warning(`${path}: it can be guessed`, newSecret(path))];
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) throw error;
        return [problem(reasonOf(error), newSecret(path))];
      }
    },
  };
}

/** What the file lacks stands in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function newSecret(path: string) {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return [
    run(`install -d -m 0700 ${quote(folder)}`),
    run(`(umask 077 && head -c 32 /dev/urandom | base64 > ${quote(path)})`),
    tell(`the same file on every node: copy ${path} to all`),
  ];
}
