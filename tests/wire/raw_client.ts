/**
 * A client without manners, to see what really goes over a connection.
 *
 * @module
 */

/** What came over a connection until it ended. */
export interface RawAnswer {
  /** Everything, heads and bodies, as Latin-1. */
  readonly text: string;
  /** Null after FIN; the error after RST. */
  readonly error: unknown;
}

/**
 * Sends bytes and reads to the end of the connection.
 *
 * @param address `host:port`
 * @param sent What to send
 */
export async function rawRequest(
  address: string,
  sent: string,
): Promise<RawAnswer> {
  using connection = await connect(address);
  // A server may answer, and close, before all is sent.
  const sending = sendAll(connection, sent).catch(() => {});
  const answer = await readToEnd(connection);
  await sending;
  return answer;
}

/** Connects to `host:port`. */
export function connect(address: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(`http://${address}`);
  return Deno.connect({ hostname, port: Number(port) });
}

/** Writes all of a text. */
export async function sendAll(
  connection: Deno.Conn,
  text: string,
): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    bytes = bytes.subarray(await connection.write(bytes));
  }
}

/** Reads until FIN or RST. */
export async function readToEnd(connection: Deno.Conn): Promise<RawAnswer> {
  const pieces: string[] = [];
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(65_536);
  try {
    while (true) {
      const count = await connection.read(buffer);
      if (count === null) return { text: pieces.join(""), error: null };
      pieces.push(decoder.decode(buffer.subarray(0, count)));
    }
  } catch (error) {
    return { text: pieces.join(""), error };
  }
}

/** Takes the head off an answer. */
export function bodyOf(text: string): string {
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}
