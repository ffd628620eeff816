import type { Attempt } from "./attempt.ts";
import type { TextPieces } from "./text-pieces.ts";
import { TransferError } from "./transfer-error.ts";

export type JsonAnswerBounds = {
  readonly charsMax: number;
  readonly bodyMs: number;
  readonly silenceMs: number;
};

const readWhole = async (
  pieces: TextPieces,
  { charsMax, silenceMs }: JsonAnswerBounds,
): Promise<string> => {
  let text = "";
  for (;;) {
    const piece = await pieces.next(silenceMs);
    if (piece === null) return text;
    text += piece;
    if (text.length > charsMax) throw new TransferError("the answer is too long");
  }
};

/** Text as JSON data; undefined if it is none. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * A whole body as JSON data; undefined if it is none.
 *
 * @throws TransferError if it does not come to its end, within its bounds.
 */
export const readJsonAnswer = async (
  pieces: TextPieces,
  attempt: Attempt,
  bounds: JsonAnswerBounds,
): Promise<unknown> => {
  const read = readWhole(pieces, bounds);
  return parseJson(await attempt.within(bounds.bodyMs, "the answer came too slowly", read));
};
