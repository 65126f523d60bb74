/**
 * What every content source must do, whatever is behind it: run it over memory,
 * a peer, containerd with a fake client, and real containerds.
 *
 * @module
 */

import type { ContentSource } from "../../src/content/source.ts";
import { CONTENT, type Content } from "./content.ts";
import { bodyCases } from "./source_bodies.ts";
import { lookupCases } from "./source_lookups.ts";
import { rangeCases } from "./source_ranges.ts";

/** A source that is full, until it is disposed of. */
export interface FilledSource extends AsyncDisposable {
  /** What is tested. */
  readonly source: ContentSource;
}

/** Makes a source that has exactly this content; it may take its time. */
export type FillSource = (content: Content) => Promise<FilledSource>;

/** One thing that a source must do: a sentence and its check. */
export interface SourceCase {
  /** What holds. */
  readonly name: string;
  /** Fails when it does not. */
  check(source: ContentSource): Promise<void>;
}

/**
 * Registers the suite. The source is filled once: it is only read.
 *
 * @param name What is tested, `memoryStore()`
 * @param fill Makes it
 */
export function sourceSuite(name: string, fill: FillSource): void {
  Deno.test(`${name} is a content source`, async (test) => {
    await using filled = await fill(CONTENT);
    const cases = [...lookupCases(), ...rangeCases(), ...bodyCases()];
    for (const { name, check } of cases) {
      await test.step(name, () => check(filled.source));
    }
  });
}
