import { TransferError } from "./transfer-error.ts";

/** Takes pieces of a text and gives the lines that each of them completes, without their ends. */
export type SplitLines = (piece: string) => readonly string[];

const nextBreak = (piece: string, from: number, mark: "\r" | "\n"): number => {
  const index = piece.indexOf(mark, from);
  return index === -1 ? Number.POSITIVE_INFINITY : index;
};

/**
 * Lines end with CR, LF or both (WHATWG HTML, section 9.2.6), wherever the text is cut. What follows
 * the last end is no line: it may be half of one. Each piece is looked at once, so that a long line
 * in small pieces costs no more than its length.
 */
export const createLineSplitter = (charsMax: number): SplitLines => {
  let rest = "";
  let endedInCr = false;
  return (piece) => {
    const lines: string[] = [];
    let start = endedInCr && piece.startsWith("\n") ? 1 : 0;
    if (piece !== "") endedInCr = piece.endsWith("\r");
    let cr = nextBreak(piece, start, "\r");
    let lf = nextBreak(piece, start, "\n");
    while (cr !== lf) {
      const end = Math.min(cr, lf);
      lines.push(rest + piece.slice(start, end));
      rest = "";
      start = end === cr && lf === cr + 1 ? end + 2 : end + 1;
      if (cr < start) cr = nextBreak(piece, start, "\r");
      if (lf < start) lf = nextBreak(piece, start, "\n");
    }
    rest += piece.slice(start);
    if (rest.length > charsMax) throw new TransferError("a line is too long");
    return lines;
  };
};
