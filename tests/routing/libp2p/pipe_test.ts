/** @module */

import assert from "node:assert/strict";
import { pipe } from "../../../src/routing/libp2p/pipe.ts";
import { streamPair } from "./fake_stream.ts";

Deno.test("drained() leaves no promise behind when its signal has aborted", async () => {
  const [{ stream }] = streamPair();
  let asked = 0;
  stream.onDrain = () => Promise.resolve(void asked++);
  const end = pipe(stream, { maxBytes: 1, onMessage() {}, onEnd() {} });
  await end.drained(new AbortController().signal);
  assert.equal(asked, 1);
  await assert.rejects(end.drained(AbortSignal.abort()), /abort/);
  assert.equal(asked, 1);
});
