/**
 * What a person reads of a pull, where it is no terminal.
 *
 * @module
 */

import assert from "node:assert/strict";
import { digestOf } from "../../src/oci/digest.ts";
import { pullProgress } from "../../src/pull/progress.ts";

const LAYER = {
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest: digestOf("layer"),
  size: 30_000_000,
};
const CONFIG = {
  mediaType: "application/vnd.docker.container.image.v1+json",
  digest: digestOf("config"),
  size: 500,
};
const HEX = (text: string) => digestOf(text).slice(7, 19);

Deno.test("pullProgress() writes a line for each piece: its size and where it came from", () => {
  let text = "";
  const write = (more: string) => void (text += more);
  {
    using report = pullProgress({ write, size: () => null });
    report.begins("manifest", CONFIG);
    report.ends(CONFIG.digest);
    report.begins("blob", CONFIG);
    report.has(CONFIG.digest, 500, "registry");
    report.ends(CONFIG.digest);
    report.begins("blob", LAYER);
    report.has(LAYER.digest, 10_000_000, null); // An earlier pull's.
    report.has(LAYER.digest, 25_000_000, "mirror");
    report.trouble("the mirror failed");
    report.has(LAYER.digest, 30_000_000, "registry");
    report.ends(LAYER.digest);
  }
  assert.deepEqual(text.split("\n"), [
    `manifest ${HEX("config")}    500 B  is here already`,
    `config   ${HEX("config")}    500 B  from the registry`,
    "the mirror failed",
    `layer    ${
      HEX("layer")
    }  30.0 MB  15.0 MB from the mirror, 5.0 MB from the registry`,
    "",
  ]);
});

Deno.test("pullProgress() counts from the beginning what is fetched anew", () => {
  let text = "";
  const write = (more: string) => void (text += more);
  using report = pullProgress({ write, size: () => null });
  report.begins("blob", LAYER);
  report.has(LAYER.digest, 0, null);
  report.has(LAYER.digest, 30_000_000, "mirror");
  report.has(LAYER.digest, 0, null);
  report.has(LAYER.digest, 30_000_000, "registry");
  report.ends(LAYER.digest);
  assert.match(text, / {2}from the registry\n$/);
});

Deno.test("pullProgress() leaves nothing that changes on a terminal", () => {
  const texts: string[] = [];
  {
    using report = pullProgress({
      write: (text) => void texts.push(text),
      size: () => ({ columns: 80, rows: 24 }),
    });
    report.begins("blob", LAYER);
    report.has(LAYER.digest, 15_000_000, "mirror");
    report.ends(LAYER.digest);
  }
  // What is drawn last is the line that stays.
  assert.match(texts.at(-2) ?? "", /^layer .* from the mirror\n$/);
  assert.equal(texts.at(-1), "");
});
