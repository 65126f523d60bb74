/**
 * Whole files as they are on a node, compared with the texts in `golden`.
 * @module
 */

import assert from "node:assert/strict";
import { installHosts } from "../../src/hosts/install.ts";
import { mirrorHosts } from "../../src/hosts/mirror_hosts.ts";
import type { MirrorHostsOptions } from "../../src/hosts/mirror_hosts.ts";
import { temporaryFolder } from "./temporary_folder.ts";

interface Row {
  golden: string;
  folder: string;
  options: Partial<MirrorHostsOptions>;
  existing?: string;
}

const ROWS: Row[] = [
  { golden: "several_targets", folder: "_default", options: {} },
  {
    golden: "several_targets",
    folder: "_default",
    options: { registries: ["_default"] },
  },
  {
    golden: "resolve_off",
    folder: "_default",
    options: { resolveTags: false, dialTimeoutMs: 200 },
  },
  {
    golden: "docker_hub",
    folder: "docker.io",
    options: { registries: ["https://docker.io", "http://foo.bar:5000"] },
  },
  {
    golden: "registry_on_a_port",
    folder: "foo.bar:5000",
    options: { registries: ["https://docker.io", "http://foo.bar:5000"] },
  },
  {
    golden: "existing_kept",
    folder: "docker.io",
    options: { registries: ["https://docker.io"] },
    existing: "existing_before",
  },
  {
    golden: "ipv6",
    folder: "_default",
    options: {
      mirrorTargets: ["http://[fd00::1]:30020", "http://[fd00::1]:30021"],
    },
  },
];

function golden(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`golden/${name}.toml`, import.meta.url));
}

Deno.test.each(ROWS)(
  "installHosts() writes the golden file $golden",
  async (row) => {
    const path = `${row.folder}/hosts.toml`;
    await using at = await temporaryFolder(
      row.existing ? { [path]: await golden(row.existing) } : {},
    );
    const mirrorTargets = ["http://10.0.0.1:30020", "http://10.0.0.1:30021"];
    const wanted = mirrorHosts({ mirrorTargets, ...row.options });
    await installHosts(at.path, wanted);
    assert.equal(await at.read(path), await golden(row.golden));
  },
);
