import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { syncDirectory } from "./data-directory.ts";
import { StoreOpenError } from "./store-open-error.ts";

/** What is written into a directory whose data were taken to a database. */
export type MovedMark = {
  /** The database, without anything secret. */
  readonly to: string;
  /** `begun`: whether the database took them is not known yet. */
  readonly state: "begun" | "done";
};

const markPath = (dataDir: string): string => join(dataDir, "moved.json");

/** The mark of a directory; null: its data are served from there. */
export const readMovedMark = (dataDir: string): MovedMark | null => {
  const path = markPath(dataDir);
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as MovedMark;
  } catch {
    // Cut off in the middle: the move had not ended.
    return { to: "a database", state: "begun" };
  }
};

/** Marks a directory, durably. */
export const writeMovedMark = (dataDir: string, mark: MovedMark): void => {
  const descriptor = openSync(markPath(dataDir), "w");
  try {
    writeSync(descriptor, `${JSON.stringify(mark)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  syncDirectory(dataDir);
};

/** For a move of which nothing stands. */
export const removeMovedMark = (dataDir: string): void => {
  rmSync(markPath(dataDir), { force: true });
  syncDirectory(dataDir);
};

/**
 * Two servers over two copies of the same data would each acknowledge what the other never has.
 *
 * @throws StoreOpenError if the data were taken elsewhere, or may have been.
 */
export const assertNotMoved = (dataDir: string): void => {
  const mark = readMovedMark(dataDir);
  if (mark === null) return;
  const what =
    mark.state === "done"
      ? `was moved to ${mark.to}: serve it from there with --database`
      : `is being moved to ${mark.to}: run synchro move again to end that`;
  throw new StoreOpenError(
    "moved",
    `the data in ${dataDir} ${what}; to serve this copy after all, remove ${markPath(dataDir)}`,
  );
};
