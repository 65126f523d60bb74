/** The check of `config_path`. @module */

import { configPath } from "../../../src/doctor/checks/config_path.ts";
import { type CheckRow, testCheck } from "../check_rows.ts";
import { configToml, type FakeNode } from "../fake_node.ts";

const FIX = [
  "peili configure --mirror-targets=http://10.0.0.1:30020 --containerd-registry-config-path=PATH/certs.d --containerd-config=PATH/config.toml --apply",
  "systemctl restart containerd",
];

/** A config.toml with this path. */
function withPath(path: (folder: string) => string, lines?: string) {
  return ({ folder }: FakeNode) =>
    folder.write("config.toml", configToml(path(folder.path), lines));
}

/** What containerd 1.x says that it runs with. */
function running(path: string): unknown {
  return {
    registry: { configPath: path },
    containerd: { snapshotter: "overlayfs", discardUnpackedLayers: false },
  };
}

const ROWS: readonly CheckRow[] = [
  {
    name: "sees Peili's folder",
    verdict: "ok",
    saw: ["containerd reads hosts.toml files below PATH/certs.d"],
  },
  {
    name: "names a list that the transfer service takes for one folder",
    given: withPath((path) => `${path}/certs.d:/etc/docker/certs.d`),
    verdict: "problem",
    saw: [
      "config_path is the list PATH/certs.d:/etc/docker/certs.d, which containerd's transfer service takes for the name of one folder: no hosts.toml is read",
    ],
    fix: FIX,
  },
  {
    name: "knows what keeps a list from the transfer service",
    given: withPath(
      (path) => `${path}/certs.d/:/etc/docker/certs.d`,
      "discard_unpacked_layers = true",
    ),
    verdict: "ok",
    saw: ["containerd reads hosts.toml files below PATH/certs.d"],
  },
  {
    name: "takes a list of containerd 2.0 for a list",
    async given(node) {
      node.containerd.version = "2.0.5";
      await withPath((path) => `/etc/docker/certs.d:${path}/certs.d`)(node);
    },
    verdict: "ok",
    saw: [/reads/],
  },
  {
    name: "knows the default of containerd 2.2",
    async given({ folder, containerd }) {
      containerd.version = "2.2.0";
      await folder.write("config.toml", "version = 3\n");
    },
    verdict: "problem",
    saw: [/^config_path is the list \/etc\/containerd\/certs.d:\/etc\/docker/],
    fix: FIX,
  },
  {
    name: "names a path that is not set",
    given: ({ folder }) => folder.write("config.toml", "version = 3\n"),
    verdict: "problem",
    saw: ["config_path is not set, so containerd reads no hosts.toml"],
    fix: FIX,
  },
  {
    name: "names another folder",
    given: withPath(() => "/elsewhere"),
    verdict: "problem",
    saw: [
      "containerd reads hosts.toml files below /elsewhere, not PATH/certs.d",
    ],
    fix: FIX,
  },
  {
    name: "believes containerd 1.x, not its files",
    given({ containerd }) {
      containerd.version = "1.7.24";
      containerd.criConfig = running("");
    },
    verdict: "problem",
    saw: ["config_path is not set, so containerd reads no hosts.toml"],
    fix: FIX,
  },
  {
    name: "says what it cannot see",
    given: ({ options }) => void (options.containerdConfig = "/nowhere.toml"),
    verdict: "skipped",
    saw: [
      "containerd does not tell its config_path, and there is no /nowhere.toml (--containerd-config names the file)",
    ],
  },
];

testCheck("configPath", configPath, ROWS);
