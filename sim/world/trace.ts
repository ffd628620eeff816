import { createHash } from "node:crypto";

/** Everything that happened in a run, in order: as a hash, and the last lines as text. */
export type Trace = {
  readonly add: (line: string) => void;
  /** Over all lines so far. Two runs of a seed have the same. */
  readonly hash: () => string;
  readonly tail: () => readonly string[];
};

export const createTrace = (tailLinesMax: number, nowMs: () => number): Trace => {
  const hash = createHash("sha256");
  let tail: string[] = [];
  return {
    add: (line) => {
      const text = `${nowMs()} ${line}`;
      hash.update(text);
      hash.update("\n");
      tail.push(text);
      if (tail.length > 2 * tailLinesMax) tail = tail.slice(-tailLinesMax);
    },
    hash: () => hash.copy().digest("hex"),
    tail: () => tail.slice(-tailLinesMax),
  };
};
