/** The runtime alone: what every Deno process weighs. @module */
await new Promise(() => setInterval(() => {}, 60_000));
