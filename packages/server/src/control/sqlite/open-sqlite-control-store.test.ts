import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { APPLICATION_ID } from "../../store/sqlite/schema.ts";
import { StoreOpenError } from "../../store/sqlite/store-open-error.ts";
import { actionsIn, at, by, invitation, shop } from "../control-harness.contract.ts";
import type { ControlStore } from "../control-store.ts";
import { ControlUnavailableError } from "../control-unavailable-error.ts";
import { ControlConnection } from "./control-connection.ts";
import { controlSchema } from "./control-schema.ts";
import { controlPath, openSqliteControlStore } from "./open-sqlite-control-store.ts";

let dataDir: string;
const opened: ControlStore[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "synchro-control-"));
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const open = async (
  more: Omit<Parameters<typeof openSqliteControlStore>[0], "dataDir"> = {},
  directory = dataDir,
): Promise<ControlStore> => {
  const store = await openSqliteControlStore({ dataDir: directory, ...more });
  opened.push(store);
  return store;
};

const space = (id: string) => ({ id: id as SpaceId, title: id, recordsMax: null });

/** Something else that has the file open, for one piece of work. */
const withFile = <Result>(work: (database: DatabaseSync) => Result): Result => {
  const database = new DatabaseSync(controlPath(dataDir));
  try {
    return work(database);
  } finally {
    database.close();
  }
};

const refusalOf = async (opening: Promise<unknown>): Promise<StoreOpenError> => {
  const error = await opening.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreOpenError)) throw new Error(`not refused: ${String(error)}`);
  expect(error.message).not.toContain("\n");
  return error;
};

const reasonOf = async (call: Promise<unknown>): Promise<string> => {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ControlUnavailableError)) throw new Error(`it passed: ${String(error)}`);
  return error.reason;
};

describe("a file that can't be opened is refused in one line, and left as it is", () => {
  const known = controlSchema.migrations.length;

  test.each([
    ["made by a newer program", `PRAGMA user_version = ${known + 1}`, "newer_schema"],
    ["marked as another's", "PRAGMA application_id = 7", "foreign_file"],
    ["marked as records", `PRAGMA application_id = ${APPLICATION_ID}`, "foreign_file"],
  ])("%s", async (_, sql, code) => {
    await (await open()).close();
    withFile((database) => database.exec(sql));
    const before = readFileSync(controlPath(dataDir));
    const error = await refusalOf(open());
    expect(error.code).toBe(code);
    expect(error.message).toContain(controlPath(dataDir));
    expect(readFileSync(controlPath(dataDir)).equals(before)).toBe(true);
  });

  test("another program's database, and a file that is none", async () => {
    withFile((database) => database.exec("CREATE TABLE t (x)"));
    expect((await refusalOf(open())).code).toBe("foreign_file");
    const text = "Dear diary, ".repeat(500);
    writeFileSync(controlPath(dataDir), text);
    expect((await refusalOf(open())).code).toBe("foreign_file");
    expect(readFileSync(controlPath(dataDir), "utf8")).toBe(text);
  });

  test("a damaged file", async () => {
    const store = await open();
    await store.createSpace(space("a"), by(1));
    await store.close();
    const bytes = readFileSync(controlPath(dataDir));
    writeFileSync(controlPath(dataDir), bytes.fill(0x5a, 100, 4_096));
    expect((await refusalOf(open())).code).toBe("damaged");
  });

  test("a data directory below a file", async () => {
    writeFileSync(join(dataDir, "file"), "");
    const error = await refusalOf(open({}, join(dataDir, "file", "data")));
    expect(error.code).toBe("not_writable");
  });
});

describe("the file", () => {
  const files = ["control.db", "control.db-wal", "control.db-shm"];
  const modeOf = (name: string): string => (statSync(join(dataDir, name)).mode & 0o777).toString(8);

  test("is its owner's alone, and so is its log", async () => {
    const store = await open();
    await store.createSpace(space("a"), by(1));
    expect(files.map(modeOf)).toEqual(["600", "600", "600"]);
  });

  test("keeps a mode that somebody gave it", async () => {
    await (await open()).close();
    chmodSync(controlPath(dataDir), 0o640);
    await (await open()).createSpace(space("a"), by(1));
    expect(modeOf("control.db")).toBe("640");
    expect(modeOf("control.db-wal")).toBe("640");
  });

  test.skipIf(process.getuid?.() !== 0)("made by root is its directory's owner's", async () => {
    const { chownSync } = await import("node:fs");
    chownSync(dataDir, 12_345, 12_346);
    await (await open()).createSpace(space("a"), by(1));
    const owners = files.map((name) => statSync(join(dataDir, name)));
    expect(owners.map(({ uid, gid }) => [uid, gid])).toEqual(files.map(() => [12_345, 12_346]));
  });

  test("is durable: every commit is synced, through a log", async () => {
    await open();
    const read = (name: string): unknown =>
      withFile((database) => database.prepare(`PRAGMA ${name}`).get()?.[name]);
    expect(read("journal_mode")).toBe("wal");
    expect(read("application_id")).toBe(controlSchema.applicationId);
    expect(read("user_version")).toBe(known());
  });

  const known = (): number => controlSchema.migrations.length;
});

describe("[AUDIT-2] the file itself refuses", () => {
  test.each([
    ["to alter an entry", "UPDATE audit SET actor = 'nobody'"],
    ["to alter it to itself", "UPDATE audit SET actor = actor WHERE number = 1"],
    ["to remove one", "DELETE FROM audit WHERE number = 2"],
    ["to remove all", "DELETE FROM audit"],
    [
      "to put another in its place",
      "INSERT OR REPLACE INTO audit SELECT 1, at, 'nobody', action, target, space, detail FROM audit WHERE number = 2",
    ],
    [
      "to change it on a conflict",
      "INSERT INTO audit SELECT * FROM audit WHERE number = 1 ON CONFLICT DO UPDATE SET actor = 'nobody'",
    ],
  ])("%s", async (_, sql) => {
    const store = await open();
    await store.createSpace(space("a"), by(1));
    await store.createSpace(space("b"), by(2));
    const before = await store.listAudit({ space: null, before: null, limit: 9 });
    expect(() => withFile((database) => database.exec(sql))).toThrow("the audit log can only grow");
    expect(await store.listAudit({ space: null, before: null, limit: 9 })).toEqual(before);
    expect(before).toHaveLength(2);
  });
});

describe("where the disk or another process stands in the way", () => {
  test("full: each call stands whole with its entry or not at all, and passes once there is room", async () => {
    const store = await open({ bytesMax: 24 * 4_096 });
    const made: string[] = [];
    let refused = 0;
    for (let number = 0; number < 400 && refused < 3; number += 1) {
      const id = `s-${number}-${"x".repeat(50)}`;
      try {
        await store.createSpace(space(id), by(number));
        made.push(id);
      } catch (error) {
        expect(error).toBeInstanceOf(ControlUnavailableError);
        expect(error).toMatchObject({ reason: "full" });
        refused += 1;
      }
    }
    expect(refused).toBe(3);
    expect(made.length).toBeGreaterThan(10);
    expect((await store.listSpaces()).map(({ id }) => id)).toEqual(made.toSorted());
    expect(await actionsIn(store)).toEqual(made.map((id) => `space.create ${id}`).toReversed());
    await store.close();
    expect(await (await open()).createSpace(space("more"), by(9))).toMatchObject({ kind: "done" });
  });

  test("held: a call waits for whoever writes, gives up after a while, and passes later", async () => {
    const store = await open({ busyMs: 50 });
    const before = await store.readAccess();
    const other = new DatabaseSync(controlPath(dataDir));
    other.exec("BEGIN IMMEDIATE");
    expect(await reasonOf(store.createSpace(space("a"), by(1)))).toBe("busy");
    expect(await reasonOf(store.createInvitation(invitation("c"), by(1)))).toBe("busy");
    // Reading waits for nobody.
    expect(await store.readAccess()).toBe(before);
    expect(await store.listSpaces()).toEqual([]);
    other.exec("ROLLBACK");
    other.close();
    expect(await store.createSpace(space("a"), by(1))).toMatchObject({ kind: "done" });
    expect(await actionsIn(store)).toEqual(["space.create a"]);
  });

  test("a sync that failed: nothing is written any more, and reading goes on", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("CREATE TABLE t (x)");
    const connection = new ControlConnection(database);
    const failSync = (): never => {
      throw Object.assign(new Error("disk I/O error"), { errcode: 1_034 });
    };
    expect(() => connection.write(failSync)).toThrow("the disk can't be trusted any more");
    expect(() => connection.write(() => database.exec("INSERT INTO t VALUES (1)"))).toThrow(
      ControlUnavailableError,
    );
    expect(connection.read(() => database.prepare("SELECT count(*) AS n FROM t").get())).toEqual({
      n: 0,
    });
    connection.close();
  });

  test("a defect comes out as it is, and leaves the store usable", async () => {
    const store = await open();
    await store.createInvitation(invitation("c"), by(0));
    await expect(store.createInvitation(invitation("c"), by(0))).rejects.toThrow(/UNIQUE/);
    expect(await store.createSpace({ ...space("a"), id: shop }, by(1))).toMatchObject({
      kind: "done",
      space: { createdAt: at(1) },
    });
  });
});
