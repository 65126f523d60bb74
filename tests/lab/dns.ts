/**
 * A real DNS server in the lab, and processes that ask it: the resolver that the
 * machine has stays as it is.
 *
 * @module
 */
import { join } from "node:path/posix";
import { type Daemon, startDaemon } from "./daemon.ts";
import type { LabFolder } from "./folder.ts";
import type { Host } from "./host.ts";

/** The domain that the server knows all of, as a cluster's knows its own. */
export const DOMAIN = "cluster.local";

/** Where a process looks for names without a dot at their end. */
const SEARCH = `peili.svc.${DOMAIN} svc.${DOMAIN} ${DOMAIN}`;

/** How long it may take to answer its first question. */
const START_MS = 10_000;

/** A DNS server. */
export interface DnsServer {
  /** A resolv.conf, as a pod gets it, that names this server. */
  readonly resolvConf: string;
  readonly daemon: Daemon;
  /** Replaces all records: addresses, IPv4 or IPv6, by name. */
  set(records: Readonly<Record<string, readonly string[]>>): Promise<void>;
}

/** Starts a DNS server, without records, on a host of the lab. */
export async function startDns(
  lab: LabFolder,
  { ip, namespace }: Host,
): Promise<DnsServer> {
  const folder = join(lab.path, "dns");
  const hosts = join(folder, "hosts");
  const resolvConf = join(folder, "resolv.conf");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(hosts, "");
  await Deno.writeTextFile(
    resolvConf,
    `nameserver ${ip}\nsearch ${SEARCH}\noptions ndots:5\n`,
  );
  const daemon = await startDaemon(lab, {
    name: "the DNS server",
    argv: [
      ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null"],
      ...["--no-resolv", "--no-hosts", `--addn-hosts=${hosts}`],
      ...[`--local=/${DOMAIN}/`, `--listen-address=${ip}`, "--bind-interfaces"],
      // It would go to a user who cannot read the lab's folder.
      ...["--user=root", "--pid-file=", "--log-facility=-"],
    ],
    log: join(folder, "dns.log"),
    namespace,
  });
  await daemon.until("to have read its records", START_MS, async () => {
    return await reads(daemon) > 0;
  });
  return {
    resolvConf,
    daemon,
    async set(records) {
      const lines = Object.entries(records).flatMap(([name, addresses]) =>
        addresses.map((address) => `${address} ${name}\n`)
      );
      await Deno.writeTextFile(hosts, lines.join(""));
      const before = await reads(daemon);
      daemon.signal("SIGHUP");
      await daemon.until("to read its records again", START_MS, async () => {
        return await reads(daemon) > before;
      });
    },
  };
}

/** How often it has said that it read its records. */
async function reads({ log }: Daemon): Promise<number> {
  const text = await Deno.readTextFile(log);
  return text.split("\n").filter((line) => /: read .*hosts/.test(line)).length;
}

/** A command whose process, and nobody else, has this resolv.conf. */
export function withResolvConf(
  path: string,
  argv: readonly string[],
): string[] {
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  return ["unshare", "--mount", "sh", "-c", script, "sh", path, ...argv];
}
