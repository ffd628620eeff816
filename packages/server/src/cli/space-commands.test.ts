import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CommandRun, runCommand } from "../../testing/run-command.ts";
import type { ControlStore } from "../control/control-store.ts";
import {
  controlPath,
  openSqliteControlStore,
} from "../control/sqlite/open-sqlite-control-store.ts";
import { at, declared, pushTo, TestClock, write } from "../store/store-harness.contract.ts";
import { openSqliteStore } from "../store/sqlite/open-sqlite-store.ts";
import { databasePath } from "../store/sqlite/data-directory.ts";
import type { Store } from "../store/store.ts";

let folder: string;
let data: string;
const opened: (Store | ControlStore)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-cli-"));
  data = join(folder, "data");
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: readonly string[]): Promise<CommandRun> =>
  runCommand([...args, "--data", data]);

/** A command that must do what it says; what it printed. */
const ok = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
};

/** A command that must be refused in one line, with nothing on stdout. */
const refusal = async (code: number, ...args: readonly string[]): Promise<string> => {
  const ended = await run(...args);
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
  expect(ended.stderr).toMatch(/^[^\n]+\n$/);
  return ended.stderr.trimEnd();
};

/** A server's store over the data, which has it open as long as the test lasts. */
const openRecords = async (): Promise<Store> => {
  const store = await openSqliteStore({
    runtime: new TestClock().runtime,
    collections: declared,
    limits: defaultLimits,
    dataDir: data,
    writer: "inline",
    bytesMax: null,
    onFatal: (error) => {
      throw error;
    },
  });
  opened.push(store);
  return store;
};

const openControl = async (): Promise<ControlStore> => {
  const control = await openSqliteControlStore({ dataDir: data });
  opened.push(control);
  return control;
};

const fill = async (store: Store, space: string, keys: readonly string[]): Promise<void> => {
  await pushTo(
    store,
    keys.map((key) => write(key, at(1), {})),
    { space: space as SpaceId },
  );
};

const rowsOf = (table: string): readonly (readonly string[])[] =>
  table
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

describe("what can't be done is told in one line, and leaves nothing behind", () => {
  test.each([
    [["space", "list"]],
    [["space", "rename", "shop-1", "x"]],
    [["space", "quota", "shop-1", "1"]],
    [["space", "delete", "shop-1", "--yes"]],
    [["space", "undelete", "shop-1"]],
    [["invite", "--space", "shop-1"]],
    [["device", "list"]],
    [["device", "revoke", "d_00000000000000000000"]],
    [["audit"]],
  ])("%j over a folder that is not there", async (args) => {
    expect(await refusal(1, ...args)).toBe(
      `there is no data in ${data}: name its folder with --data`,
    );
    expect(existsSync(data)).toBe(false);
  });

  test.each([
    [["space", "create"], "SPACE is missing"],
    [["space", "create", "Shop"], "SPACE must be the id of a space"],
    [["space", "create", "s", "--title", " "], "--title must not be empty"],
    [["space", "create", "s", "--title", "a\u0007"], "without control characters"],
    [["space", "create", "s", "--title", "x".repeat(129)], "at most 128 characters"],
    [["space", "create", "s", "--records-max", "-1"], "--records-max"],
    [["space", "create", "s", "t"], "t is not expected here"],
    [["space", "rename", "s"], "TITLE is missing"],
    [["space", "quota", "s", "many"], "COUNT must be a whole number"],
    [["space", "list", "--space", "s"], "--space is not a flag of space list"],
    [["invite"], "--space is missing"],
    [["invite", "--space", "*"], "--space must be the id of a space"],
    [["invite", "--space", "s", "--level", "owner"], "must be one of read, write, admin"],
    [["invite", "--space", "s", "--expires", "15"], "must be a span"],
    [["invite", "--space", "s", "--expires", "31d"], "at most 30d"],
    [["invite", "--space", "s", "--uses", "0"], "from 1 to 1000"],
    [["invite", "--space", "s", "--server-url", "ftp://x"], "must be an address"],
    [["device", "revoke", "scanner"], "DEVICE must be the id of a device"],
    [["audit", "--limit", "0"], "from 1 to 100000"],
    [["audit", "--space", "S"], "--space must be the id of a space"],
  ])("%j", async (args, words) => {
    expect(await refusal(2, ...args)).toContain(words);
    expect(existsSync(data)).toBe(false);
  });

  test("a space that is not there: with the one that was probably meant", async () => {
    await ok("space", "create", "malmo-1");
    await fill(await openRecords(), "lund-1", ["a"]);
    for (const command of [
      ["space", "rename", "malmo-2", "x"],
      ["space", "quota", "malmo-2", "1"],
      ["space", "delete", "malmo-2", "--yes"],
      ["invite", "--space", "malmo-2"],
    ]) {
      expect(await refusal(1, ...command)).toBe(
        "malmo-2 is not a space here: did you mean malmo-1?",
      );
    }
    expect(await refusal(1, "space", "rename", "lund", "x")).toContain("lund-1?");
    expect(await refusal(1, "space", "undelete", "malmo-1")).toBe(
      "malmo-1 is not a deleted space: none is",
    );
    expect(await refusal(1, "device", "revoke", "d_00000000000000000000")).toBe(
      "there is no device d_00000000000000000000: see synchro device list",
    );
    expect((await (await openControl()).listSpaces()).map(({ id }) => id)).toEqual(["malmo-1"]);
  });

  test("a space that was made, or was deleted, is not made again", async () => {
    await ok("space", "create", "shop-1");
    expect(await refusal(1, "space", "create", "shop-1")).toContain("shop-1 exists");
    await ok("space", "delete", "shop-1", "--yes");
    expect(await refusal(1, "space", "create", "shop-1")).toContain("synchro space undelete");
    expect(await refusal(1, "space", "rename", "shop-1", "x")).toContain("shop-1 is deleted");
    expect(await refusal(1, "invite", "--space", "shop-1")).toContain("shop-1 is deleted");
  });

  test("to delete takes --yes, and tells what is at stake", async () => {
    await fill(await openRecords(), "shop-1", ["a", "b"]);
    expect(await refusal(2, "space", "delete", "shop-1")).toContain("holds 2 records");
    expect(await (await openControl()).listSpaces()).toEqual([]);
  });

  test("files that are damaged, of another program, or newer", async () => {
    await ok("space", "create", "shop-1");
    const control = new DatabaseSync(controlPath(data));
    control.exec("PRAGMA user_version = 99");
    control.close();
    expect(await refusal(1, "space", "list")).toContain("was made by a newer Synchro");
    rmSync(controlPath(data));
    await ok("space", "create", "shop-1");
    writeFileSync(databasePath(data), "Dear diary, ".repeat(500));
    expect(await refusal(1, "space", "list")).toContain("synchro.db is not a database of Synchro");
  });

  test("data that another process holds", async () => {
    await ok("space", "create", "shop-1");
    const other = new DatabaseSync(controlPath(data));
    other.exec("BEGIN IMMEDIATE");
    expect(await refusal(1, "space", "create", "shop-2")).toBe(
      `another process holds the data: nothing was changed in ${data}`,
    );
    other.close();
    await ok("space", "create", "shop-2");
  });
});

describe("spaces", () => {
  test("[SPACE-1] are listed with their records beside a server that has them open, made or not, deleted too", async () => {
    const store = await openRecords();
    await fill(store, "lund-1", ["a", "b", "c"]);
    await fill(store, "malmo-1", ["a"]);
    await ok(
      "space",
      "create",
      "malmo-1",
      "--title",
      "Malmö, Södra  Förstaden",
      "--records-max",
      "5",
    );
    await ok("space", "create", "empty");
    await ok("space", "delete", "lund-1", "--yes");
    expect(rowsOf(await ok("space", "list"))).toEqual([
      ["SPACE", "RECORDS", "QUOTA", "STATE", "TITLE"],
      ["empty", "0", "-", "live", "empty"],
      ["lund-1", "3", "-", "deleted", "lund-1"],
      ["malmo-1", "1", "5", "live", "Malmö, Södra", "Förstaden"],
    ]);
    await fill(store, "malmo-1", ["b"]);
    expect(await ok("space", "list")).toMatch(/^malmo-1 +2 /m);
  });

  test("are listed where no server runs, and where none ever ran", async () => {
    await ok("space", "create", "shop-1");
    expect(readdirSync(data)).toEqual(["control.db"]);
    expect(rowsOf(await ok("space", "list"))[1]).toEqual(["shop-1", "0", "-", "live", "shop-1"]);
    const store = await openRecords();
    await fill(store, "shop-1", ["a"]);
    await store.close();
    expect(rowsOf(await ok("space", "list"))[1]).toEqual(["shop-1", "1", "-", "live", "shop-1"]);
  });

  test("change under a running server, which learns of it at its next look", async () => {
    const control = await openControl();
    await ok("space", "create", "shop-1");
    expect(await ok("space", "rename", "shop-1", "Malmö")).toBe("shop-1 is called Malmö.\n");
    expect(await ok("space", "quota", "shop-1", "0")).toContain("may hold 0 records, and holds 0");
    expect(await control.readAccess()).toMatchObject({ recordsMax: new Map([["shop-1", 0]]) });
    await ok("space", "quota", "shop-1", "none");
    const told = await ok("space", "delete", "shop-1", "--yes");
    expect(told).toContain("within 10 seconds");
    expect(await control.readAccess()).toMatchObject({
      recordsMax: new Map(),
      deletedSpaces: new Set(["shop-1"]),
    });
    await ok("space", "undelete", "shop-1");
    expect((await control.readAccess()).deletedSpaces).toEqual(new Set());
    expect(await control.listSpaces()).toMatchObject([{ id: "shop-1", title: "Malmö" }]);
  });

  test("names of others can't move the cursor of a terminal", async () => {
    const control = await openControl();
    const by = { actor: "\u001B[2Jann", now: at(1) };
    await control.createSpace(
      { id: "shop-1" as SpaceId, title: "a\u001B[31m\nb", recordsMax: null },
      by,
    );
    for (const command of [["space", "list"], ["audit"]]) {
      // oxlint-disable-next-line no-control-regex -- it is what is looked for
      expect(await ok(...command)).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
    }
  });
});
