import { backup, DatabaseSync } from "node:sqlite";
import { openReader } from "./open-database.ts";
import { toOpenError } from "./store-open-error.ts";
import { rollBack } from "./transaction.ts";

/** Pages that are copied between two looks at how far it is: 8 MiB. */
const STEP_PAGES = 2_048;
const CACHE_KIB = 2 * 1024;

/**
 * Copies a database as it is at one moment to a file that does not exist, beside whoever writes it.
 * The moment is held by a read transaction: without one, SQLite begins the copy anew whenever
 * somebody commits between two steps, and next to a busy server never ends
 * (docs/decisions/0008-backups-and-lives.md). What was committed before the call is in the copy,
 * which is one file, without a log. It is not synced yet.
 *
 * @throws StoreOpenError in one line.
 */
export const copyDatabase = async (
  from: string,
  to: string,
  onProgress: (share: number) => void,
): Promise<void> => {
  let source: DatabaseSync | null = null;
  try {
    source = openReader(from, CACHE_KIB);
    source.exec("BEGIN");
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    await backup(source, to, {
      rate: STEP_PAGES,
      progress: ({ totalPages, remainingPages }) =>
        onProgress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages),
    });
    const target = new DatabaseSync(to);
    target.exec("PRAGMA journal_mode = DELETE");
    target.close();
  } catch (error) {
    throw toOpenError(error, to);
  } finally {
    if (source !== null) {
      rollBack(source);
      source.close();
    }
  }
};
