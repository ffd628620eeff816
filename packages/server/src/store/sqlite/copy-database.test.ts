import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyDatabase } from "./copy-database.ts";
import { createDataDir } from "./sqlite-harness.contract.ts";
import { StoreOpenError } from "./store-open-error.ts";

let folder: string;
let from: string;

beforeEach(() => {
  folder = createDataDir();
  from = join(folder, "from.db");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ROWS = 40;

/** Of several steps, with a connection that goes on writing. */
const createSource = (): DatabaseSync => {
  const writer = new DatabaseSync(from);
  writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)");
  const insert = writer.prepare("INSERT INTO t (b) VALUES (randomblob(1000000))");
  for (let row = 0; row < ROWS; row += 1) insert.run();
  return writer;
};

test("a commit between any two steps does not begin it anew, and is not in it", async () => {
  const writer = createSource();
  const shares: number[] = [];
  const to = join(folder, "to.db");
  await copyDatabase(from, to, (share) => {
    shares.push(share);
    writer.exec("INSERT INTO t (b) VALUES ('late')");
    if (shares.length > 50) throw new Error("it does not end");
  });
  writer.close();
  expect(shares.length).toBeGreaterThan(3);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  const copy = new DatabaseSync(to, { readOnly: true });
  expect(copy.prepare("SELECT count(*) AS n FROM t").get()).toEqual({ n: ROWS });
  expect(copy.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  // One file, without a log.
  expect(copy.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  copy.close();
});

test("what can't be read or written is refused in one line, and holds nothing", async () => {
  const writer = createSource();
  await expect(copyDatabase(from, join(folder, "no/such/to.db"), () => {})).rejects.toBeInstanceOf(
    StoreOpenError,
  );
  await expect(
    copyDatabase(join(folder, "none.db"), join(folder, "to.db"), () => {}),
  ).rejects.toBeInstanceOf(StoreOpenError);
  // No moment is held any more: the log can be brought in.
  expect(writer.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()).toMatchObject({ busy: 0 });
  writer.close();
});
