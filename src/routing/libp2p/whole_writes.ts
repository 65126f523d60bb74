/**
 * One write to the socket for all that is sent in one go. js-libp2p writes each
 * piece by itself: a message of 30 bytes is seven packets (Noise's length, text
 * and tag, of Yamux's head and of the message), with 66 bytes of TCP and IP each.
 *
 * @module
 */

import type { ConnectionProtector, MessageStream } from "@libp2p/interface";

/** What js-libp2p's connections have to send by. */
interface Sending {
  sendData(pieces: Iterable<Uint8Array>): Sent;
}

interface Sent {
  readonly sentBytes: number;
  readonly canSendMore: boolean;
}

/**
 * Makes a protector that lets connections write in one piece; it is js-libp2p's
 * only door to a connection before anything was sent.
 *
 * @param next Encrypts what is written, in a private network
 * @returns The protector
 */
export function wholeWrites(
  next: ConnectionProtector | null,
): ConnectionProtector {
  return {
    protect(connection, options) {
      gather(connection);
      return next
        ? next.protect(connection, options)
        : Promise.resolve(connection);
    },
  };
}

function gather(connection: MessageStream): void {
  const socket = connection as MessageStream & Partial<Sending>;
  const write = socket.sendData?.bind(socket);
  if (!write) return; // Another version: more packets, and no other harm.
  let pieces: Uint8Array[] = [];
  let canSendMore = true;
  connection.addEventListener("drain", () => void (canSendMore = true));

  function flush(): void {
    const whole = joined(pieces);
    pieces = [];
    // Who has closed it meanwhile is told so by the socket itself.
    if (connection.status === "open" || connection.status === "closing") {
      ({ canSendMore } = write?.([whole]) ?? { canSendMore });
    }
  }

  socket.sendData = (sent) => {
    if (pieces.length === 0) queueMicrotask(flush);
    let sentBytes = 0;
    for (const piece of sent) {
      pieces.push(piece);
      sentBytes += piece.length;
    }
    return { sentBytes, canSendMore };
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = pieces;
  if (first && others.length === 0) return first;
  const whole = new Uint8Array(
    pieces.reduce((size, { length }) => size + length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
