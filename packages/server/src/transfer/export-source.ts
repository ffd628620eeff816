import type { StoredRecord } from "@synchro/core";

/** The records to export, of one moment. */
export type ExportSource = {
  /** How many there are; null: that is not known without reading them. */
  readonly total: number | null;
  /** By ascending seq, with memory that stays flat. May be read several times, and gives the same. */
  readonly read: () => Iterable<StoredRecord>;
  readonly close: () => void;
};
