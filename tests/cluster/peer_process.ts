/**
 * A node of a list of peers in a process of its own: it says where its peer
 * listener is, waits for the list, and answers questions on its input until that
 * ends.
 *
 * @module
 */

import {
  clusterNode,
  peerServer,
  runningPeers,
} from "../routing/peer_cluster.ts";
import { nodeAnswers, type NodeQuestions } from "./node_answers.ts";
import { type Answer, talk } from "./talk.ts";

/** What such a process is told when it starts. */
export interface PeerProcessOptions {
  id: string;
}

/** What it can be asked. */
export interface PeerQuestions extends NodeQuestions {
  /** Takes the list, and waits until all are there. */
  know: [[addresses: string[]], void];
}

const [text = "{}"] = Deno.args;
const { id }: PeerProcessOptions = JSON.parse(text);
const server = peerServer(id);
let answer: Answer = () => Promise.reject(new Error("it has no list yet"));

async function know(addresses: string[]): Promise<void> {
  const running = await runningPeers(id, addresses, addresses.length);
  answer = nodeAnswers(running.router, clusterNode(server, running));
}

await talk(server.self.address, (name, args) => {
  if (name !== "know") return answer(name, args);
  return know(args[0] as string[]);
});
Deno.exit(0);
