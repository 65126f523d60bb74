/**
 * What mends a finding, in steps that can be applied as they stand.
 *
 * @module
 */

/** One step of a fix. */
export type FixStep =
  | {
    /** A command for a shell on the node, as root. */
    readonly kind: "run";
    readonly command: string;
  }
  | {
    /** An option for Peili itself, which is then started again. */
    readonly kind: "option";
    /** Its flag, `--fan-out`. */
    readonly flag: string;
    readonly value: string;
  }
  | {
    /** What only a person can do or decide. */
    readonly kind: "tell";
    readonly text: string;
  };

/** Steps in their order. */
export type Fix = readonly FixStep[];

/** A command of a fix. */
export function run(command: string): FixStep {
  return { kind: "run", command };
}

/** A word to the person. */
export function tell(text: string): FixStep {
  return { kind: "tell", text };
}

/** An option for Peili. */
export function option(flag: string, value: string): FixStep {
  return { kind: "option", flag, value };
}

/**
 * Writes a fix as text for a shell: what is no command is a comment, so that the
 * whole can be pasted.
 *
 * @param fix The steps
 * @returns Lines
 */
export function fixLines(fix: Fix): string[] {
  return fix.flatMap((step) => {
    switch (step.kind) {
      case "run":
        return step.command.split("\n");
      case "option": {
        const { flag, value } = step;
        const variable = `PEILI${
          flag.replaceAll(/-+/g, "_").toUpperCase()
        }=${value}`;
        return [`# give Peili ${flag}=${value} (${variable}), restart it`];
      }
      case "tell":
        return step.text.split("\n").map((line) => `# ${line}`);
    }
  });
}

/**
 * Writes a text as one word of a shell.
 *
 * @param text Any text
 * @returns The text itself where nothing in it means anything to a shell
 */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
