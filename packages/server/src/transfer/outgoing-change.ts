import type { WriteChange } from "@synchro/core";
import type { RowFault } from "./input-row.ts";

/** A change that may be sent. */
export type OutgoingChange = {
  readonly line: number;
  /** Names its record: two of the same stand in different batches. */
  readonly id: string;
  readonly key: string;
  /** The change as JSON, for a server. */
  readonly text: string;
  /** The same as it has been read; null where only the server knows its collection. */
  readonly write: WriteChange | null;
};

/** What became of a change, one that was merged counted as applied. `seq` as a server's results have it. */
export type SentResult =
  | { readonly kind: "applied"; readonly seq: number }
  | { readonly kind: "superseded"; readonly seq: number }
  | ({ readonly kind: "rejected" } & RowFault);

/** Where an import's changes go. */
export type ImportTarget = {
  /** The space's head before anything is sent: what `applied` names at or below it was there. */
  readonly head: number;
  /**
   * Makes changes of different records durable. Answers each, in order.
   *
   * @throws StartError where it can't be done: what of them was applied is then unknown, and sending
   * them again is safe.
   */
  readonly send: (changes: readonly OutgoingChange[]) => Promise<readonly SentResult[]>;
  readonly close: () => Promise<void>;
};
