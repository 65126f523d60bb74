/**
 * Reading a text that somebody else sends, but never more than it may have.
 *
 * @module
 */

/**
 * Reads a body as text.
 *
 * @param body What is sent; null is the empty text
 * @param maxBytes Bytes that it may have at most
 * @returns The text
 * @throws {RangeError} If it is longer; the rest is not read
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new RangeError(`Cannot read a text of more than ${maxBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
