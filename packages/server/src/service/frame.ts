import type { Listener } from "../live/hub.ts";
import type { PullAnswer, PullInput } from "./pull.ts";

/** What a stream sends at once. `body` is the same object for all subscribers at the same position. */
export type Frame = { readonly answer: PullAnswer; readonly body: Buffer };

/** What to read so that it holds all that a listener was told of: else a copy that lags would hide it. */
export const readAsTold = (
  input: PullInput,
  listener: Pick<Listener<unknown>, "seqTold">,
): PullInput => {
  const seqMin = listener.seqTold();
  return seqMin === null ? input : { ...input, seqMin };
};

/** Where a reader stands that is at the tip: those who stand at one place read the same, as `dialect` has it. */
export const positionOf = (dialect: string, input: PullInput): string =>
  [dialect, input.cursor, input.collections?.join("~"), input.limit].join(" ");
