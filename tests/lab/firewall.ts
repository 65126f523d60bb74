/** What a host of the lab lets through, as text for nftables. @module */

/** An address that answers connections with a reset. */
export interface RefusedAddress {
  ip: string;
  port: number;
}

/** How a host is cut off. */
export interface Firewall {
  /** All traffic: gone without a word, or answered with a reset. */
  cut: "no" | "drop" | "reset";
  /** Addresses that nothing goes to or comes from. */
  cutPeers: string[];
  refused: RefusedAddress[];
  /** Ports, here and there, that nothing goes to: gone without a word. */
  dropped: number[];
  /** The share of what it receives that is lost. */
  lossPercent: number;
}

/** Everything goes through. */
export function openFirewall(): Firewall {
  return { cut: "no", cutPeers: [], refused: [], dropped: [], lossPercent: 0 };
}

/** Rules for packets that come in. */
function inputRules(firewall: Firewall): string[] {
  const { cut, cutPeers, dropped, lossPercent } = firewall;
  const rules = cutPeers.map((ip) => `ip saddr ${ip} drop`);
  rules.push(...dropped.map((port) => `tcp dport ${port} drop`));
  if (cut === "reset") rules.push("meta l4proto tcp reject with tcp reset");
  if (cut !== "no") rules.push("drop");
  const permille = Math.round(lossPercent * 10);
  if (permille > 0) rules.push(`numgen random mod 1000 < ${permille} drop`);
  return rules;
}

/** Rules for packets that go out. A reset must be able to leave. */
function outputRules(firewall: Firewall): string[] {
  const { cut, cutPeers, dropped, refused } = firewall;
  const rules = cutPeers.map((ip) => `ip daddr ${ip} drop`);
  rules.push(...dropped.map((port) => `tcp dport ${port} drop`));
  for (const { ip, port } of refused) {
    rules.push(`ip daddr ${ip} tcp dport ${port} reject with tcp reset`);
  }
  if (cut === "drop") rules.push("drop");
  return rules;
}

/** One base chain that leaves loopback alone. */
function chain(hook: "input" | "output", rules: string[]): string {
  const loopback = hook === "input" ? "iif lo accept" : "oif lo accept";
  const lines = [
    `type filter hook ${hook} priority 0`,
    loopback,
    ...rules,
  ];
  return `  chain ${hook} {\n    ${lines.join("\n    ")}\n  }`;
}

/** The whole ruleset; loading it replaces the one before in one step. */
export function rulesetOf(firewall: Firewall): string {
  return [
    "table inet lab",
    "delete table inet lab",
    "table inet lab {",
    chain("input", inputRules(firewall)),
    chain("output", outputRules(firewall)),
    "}",
    "",
  ].join("\n");
}
