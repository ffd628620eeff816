import type { Attempt } from "./attempt.ts";
import { TransferError, transferErrorOf } from "./transfer-error.ts";

/** A body as it comes: text, however its bytes were cut. */
export type TextPieces = {
  /**
   * The next piece, which may be empty; null once the body has ended in good order.
   *
   * @throws TransferError if it was cut off, nothing came for `timeMs`, or it is not UTF-8.
   */
  readonly next: (timeMs: number) => Promise<string | null>;
  /** Reads and forgets what is left, for `timeMs` at most, so that the connection can be used again. */
  readonly drain: (timeMs: number) => Promise<void>;
};

const decode = (decoder: TextDecoder, bytes: Uint8Array | undefined): string => {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
  } catch {
    throw new TransferError("the answer is not UTF-8");
  }
};

/** The body of `response` as text, piece by piece: none is read before it is asked for. */
export const textPieces = (response: Response, attempt: Attempt): TextPieces => {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const read = async (timeMs: number): Promise<Uint8Array | undefined> => {
    if (reader === undefined) return undefined;
    try {
      const reason = "the connection fell silent";
      const { value } = await attempt.within(timeMs, reason, reader.read());
      return value;
    } catch (error) {
      throw transferErrorOf(error, "the answer was cut off");
    }
  };
  return {
    next: async (timeMs) => {
      const bytes = await read(timeMs);
      const text = decode(decoder, bytes);
      return bytes === undefined && text === "" ? null : text;
    },
    drain: async (timeMs) => {
      const readOn = async (): Promise<void> => {
        // Ends with the body, or when the time is over and the connection is cut.
        while (!attempt.signal.aborted && (await reader?.read())?.done === false);
      };
      // Whatever is left of it was not needed.
      await attempt.within(timeMs, "the connection stayed open", readOn()).catch(() => {});
    },
  };
};
