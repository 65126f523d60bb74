/**
 * Asks DNS once, as the bootstrap kind `dns` does, and prints what it says as
 * JSON. Run with the name and milliseconds to wait.
 *
 * @module
 */
import { dnsBootstrap } from "../../src/routing/bootstrap/dns.ts";

/** What is printed. */
export interface DnsSaid {
  found?: string[];
  /** Name of the error that was the cause. */
  failed?: string;
}

async function ask(domain: string, ms: number): Promise<DnsSaid> {
  const bootstrap = dnsBootstrap({ domain, port: 5001 });
  try {
    return { found: [...await bootstrap.find(AbortSignal.timeout(ms))] };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : error;
    return { failed: cause instanceof Error ? cause.name : String(cause) };
  }
}

if (import.meta.main) {
  const [domain = "", ms = "5000"] = Deno.args;
  const said = JSON.stringify(await ask(domain, Number(ms)));
  await Deno.stdout.write(new TextEncoder().encode(`${said}\n`));
}
