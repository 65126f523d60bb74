/** containerd can read every hosts.toml. @module */

import { type Check, ok, problem } from "../check.ts";
import type { Facts } from "../facts.ts";
import { quote, run } from "../fix.ts";
import { configureHosts } from "../remedies.ts";

/** Checks the files' syntax. */
export function hostsToml(facts: Facts): Check {
  return {
    name: "hosts-toml",
    async run() {
      const folders = await facts.folders();
      const broken = folders.filter((folder) => folder.broken !== null);
      if (broken.length === 0) {
        const files = folders.filter(({ file }) => file).map(({ name }) =>
          name
        );
        const which = files.length > 0 ? `: ${files.join(", ")}` : "";
        return [ok(`containerd can read every hosts.toml${which}`)];
      }
      const configure = await configureHosts(facts);
      return broken.map(({ path, broken }) => {
        const file = `${path}/hosts.toml`;
        return problem(`containerd ignores ${file}: ${broken}`, [
          run(`mv ${quote(file)} ${quote(`${file}.broken`)}`),
          ...configure,
        ]);
      });
    },
  };
}
