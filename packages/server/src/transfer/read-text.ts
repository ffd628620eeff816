import { StartError } from "../config/start-error.ts";

const LINE_FEED = 0x0a;

const countLines = (bytes: Uint8Array): number => {
  let count = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
    count += 1;
  }
  return count;
};

/**
 * Bytes as text, piece by piece; a byte order mark is left out. Spreadsheets like to save in other
 * encodings: guessed, their letters would be altered without a word.
 *
 * @throws StartError naming the line around which the bytes are no UTF-8.
 */
export async function* readText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  const decode = (chunk: Uint8Array | null): string => {
    try {
      return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      // The decoder does not tell where: the first line of the piece that is not valid by itself.
      const at = chunk === null ? 0 : firstBadLine(chunk);
      throw new StartError(`line ${line + at}: is not UTF-8: save the file in that encoding`);
    }
  };
  for await (const chunk of chunks) {
    const text = decode(chunk);
    line += countLines(chunk);
    if (text !== "") yield text;
  }
  const rest = decode(null);
  if (rest !== "") yield rest;
}

/** Lines of a piece before the first that is not UTF-8; its ends may cut a character in two. */
const firstBadLine = (chunk: Uint8Array): number => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let start = 0;
  for (let line = 0; ; line += 1) {
    const end = chunk.indexOf(LINE_FEED, start);
    try {
      // The first line may begin within a character that the piece before has begun.
      if (line > 0) decoder.decode(chunk.subarray(start, end === -1 ? undefined : end));
    } catch {
      return line;
    }
    if (end === -1) return 0;
    start = end + 1;
  }
};
