/**
 * A client that is started beside a mirror: asks for what nobody has, or reads
 * streams to their end. Prints one JSON line.
 *
 *     load_client.ts miss URL COUNT      latencies of COUNT misses, in ms
 *     load_client.ts drain URL STREAMS   bytes per second of STREAMS at once
 *
 * @module
 */

/** What a run of misses took, in ms. */
export interface MissLatency {
  p50: number;
  p99: number;
  max: number;
}

/** What reading took. */
export interface DrainRate {
  bytes: number;
  seconds: number;
}

function randomDigest(): string {
  return `sha256:${crypto.getRandomValues(new Uint8Array(32)).toHex()}`;
}

async function miss(url: string, count: number): Promise<MissLatency> {
  const latencies: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const response = await fetch(`${url}/${randomDigest()}`);
    await response.body?.cancel();
    if (response.status !== 404) throw new Error(`status ${response.status}`);
    latencies.push(performance.now() - start);
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) =>
    latencies[Math.min(count - 1, Math.floor(share * count))] ?? NaN;
  return { p50: at(.5), p99: at(.99), max: at(1) };
}

async function drainOne(url: string): Promise<number> {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    throw new Error(`status ${response.status}`);
  }
  let bytes = 0;
  for await (const chunk of response.body) bytes += chunk.length;
  return bytes;
}

async function drain(url: string, streams: number): Promise<DrainRate> {
  const start = performance.now();
  const sizes = await Promise.all(
    Array.from({ length: streams }, () => drainOne(url)),
  );
  const seconds = (performance.now() - start) / 1000;
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), seconds };
}

if (import.meta.main) {
  const [verb, url = "", count = "1"] = Deno.args;
  const result = verb === "miss"
    ? await miss(url, Number(count))
    : await drain(url, Number(count));
  const line = new TextEncoder().encode(`${JSON.stringify(result)}\n`);
  await Deno.stdout.write(line);
}
