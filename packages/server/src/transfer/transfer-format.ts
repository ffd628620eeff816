/** The forms of a file of records. */
export const formats = ["ndjson", "csv"] as const;

export type TransferFormat = (typeof formats)[number];

/** The format that a file's name tells; null: a pipe, which has none. */
export const formatOf = (file: string | null): TransferFormat =>
  file !== null && /\.csv$/i.test(file) ? "csv" : "ndjson";
