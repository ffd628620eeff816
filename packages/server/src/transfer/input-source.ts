import type { InputRow } from "./input-row.ts";

/** Rows to import, read as they are taken. */
export type InputSource = {
  readonly rows: AsyncIterable<InputRow>;
  /** How much of it has been read, from 0 to 1; null: its size is not known. */
  readonly share: () => number | null;
  /** The source as a refusal names it; holds no secret. */
  readonly name: string;
};
