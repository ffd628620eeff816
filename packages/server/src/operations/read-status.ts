import { statSync } from "node:fs";
import { join } from "node:path";
import { formatStamp, type Stamp, stampFromMillis } from "@synchro/core";
import type { DataFacts, SpaceFacts } from "./backup-engine.ts";
import { formatBytes } from "./format-bytes.ts";

/** What `status` tells of a data folder. */
export type DataStatus = {
  readonly data: string;
  readonly schema: number;
  readonly database_bytes: number;
  readonly log_bytes: number;
  /** When the database or its log was written last, by the file's own time. */
  readonly written_at: string;
  readonly declared: readonly string[];
  readonly spaces: readonly {
    readonly space: string;
    readonly live: number;
    readonly tombstones: number;
    readonly head: number;
    readonly floor: number;
    readonly cutoff: string | null;
    readonly epoch: string | null;
    readonly life: number;
    readonly evidence: number;
    readonly rejections: number;
    readonly history: number;
  }[];
};

const spaceStatus = (facts: SpaceFacts): DataStatus["spaces"][number] => ({
  space: facts.space,
  live: facts.live,
  tombstones: facts.tombstones,
  head: facts.head,
  floor: facts.floor,
  cutoff: facts.cutoff === null ? null : formatStamp(facts.cutoff),
  epoch: facts.epoch,
  life: facts.life,
  evidence: facts.evidence,
  rejections: facts.rejections,
  history: facts.history,
});

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** When data were written last, by their files' own times. */
export const writtenAt = (data: string): Stamp => {
  const times = ["synchro.db", "synchro.db-wal"].map(
    (name) => statSync(join(data, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return stampFromMillis(Math.floor(Math.max(...times) / 1_000) * 1_000);
};

/** What `status` tells of a database that servers share. */
export type DatabaseStatus = Pick<DataStatus, "data" | "database_bytes" | "declared" | "spaces">;

export const readDatabaseStatus = (
  data: string,
  facts: Pick<DataFacts, "declared" | "spaces"> & { readonly bytes: number },
): DatabaseStatus => ({
  data,
  database_bytes: facts.bytes,
  declared: facts.declared,
  spaces: facts.spaces.map(spaceStatus),
});

export const readStatus = (data: string, facts: DataFacts): DataStatus => ({
  data,
  schema: facts.schema,
  database_bytes: sizeOf(join(data, "synchro.db")),
  log_bytes: sizeOf(join(data, "synchro.db-wal")),
  written_at: formatStamp(writtenAt(data)),
  declared: facts.declared,
  spaces: facts.spaces.map(spaceStatus),
});

/** Rows with their columns under each other; numbers to the right. */
export const textTable = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const cell = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return /^[\d,]+$/.test(text) ? text.padStart(width) : text.padEnd(width);
  };
  return rows.map((row) => `${row.map(cell).join("  ").trimEnd()}\n`).join("");
};

const spacesText = (spaces: DataStatus["spaces"]): string => {
  const rows = spaces.map((each) => [
    each.space,
    String(each.live),
    String(each.tombstones),
    String(each.head),
    String(each.floor),
    each.epoch ?? "-",
    String(each.evidence),
    String(each.rejections),
    String(each.history),
  ]);
  const titles = [
    "SPACE",
    "LIVE",
    "DELETED",
    "HEAD",
    "FLOOR",
    "EPOCH",
    "EVIDENCE",
    "REJECTED",
    "HISTORY",
  ];
  return rows.length === 0 ? "It holds no space yet.\n" : textTable([titles, ...rows]);
};

/** The status of a database for people. */
export const databaseStatusText = ({
  data,
  database_bytes: bytes,
  spaces,
}: DatabaseStatus): string => `${data}: ${formatBytes(bytes)}\n${spacesText(spaces)}`;

/** The status of a data folder for people. */
export const statusText = (status: DataStatus): string => {
  const sizes = `database ${formatBytes(status.database_bytes)}, log ${formatBytes(status.log_bytes)}`;
  return [
    `${status.data}: ${sizes}, schema ${status.schema}, last written ${status.written_at}\n`,
    spacesText(status.spaces),
  ].join("");
};
