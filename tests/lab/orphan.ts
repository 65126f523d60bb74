/** Brings up a lab, prints its state, and is killed: for the test of leftovers. @module */
import { Lab } from "./lab.ts";

const lab = await Lab.up({ nodes: 1, containerd: ["1.6"] });
const { path: folder, state } = lab.folder;
const line = JSON.stringify({ folder, ...state });
await Deno.stdout.write(new TextEncoder().encode(line));
Deno.kill(Deno.pid, "SIGKILL");
