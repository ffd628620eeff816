import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { sqliteFailureOf } from "./sqlite-failure.ts";

// https://www.sqlite.org/rescode.html; most can't be brought about in a test.
test.each([
  [13, "full"], // FULL
  [778, "full"], // IOERR_WRITE
  [4874, "full"], // IOERR_SHMSIZE
  [5386, "full"], // IOERR_SHMMAP
  [1034, "sync"], // IOERR_FSYNC
  [1290, "sync"], // IOERR_DIR_FSYNC
  [5, "busy"], // BUSY
  [261, "busy"], // BUSY_RECOVERY
  [14, "not_writable"], // CANTOPEN
  [270, "not_writable"], // CANTOPEN_NOTEMPDIR
  [8, "not_writable"], // READONLY
  [11, "damaged"], // CORRUPT
  [267, "damaged"], // CORRUPT_VTAB
  [26, "not_a_database"], // NOTADB
  [10, "other"], // IOERR
  [266, "other"], // IOERR_READ
  [2067, "other"], // CONSTRAINT_UNIQUE
] as const)("code %i is %s", (errcode, failure) => {
  expect(sqliteFailureOf(Object.assign(new Error("x"), { errcode }))).toBe(failure);
});

test("what is no error of SQLite is other", () => {
  for (const error of [new Error("x"), null, "full", { errcode: 13 }]) {
    expect(sqliteFailureOf(error)).toBe("other");
  }
});

test("node:sqlite tells the extended code", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (1)");
  const insert = (): unknown => database.exec("INSERT INTO t VALUES (1)");
  expect(insert).toThrow(expect.objectContaining({ errcode: 2067 }));
});
