import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sharedPostgres } from "../testing/postgres/shared-postgres.ts";
import { APP, type TestDatabase } from "../testing/postgres/test-database.ts";
import { runCommand } from "../testing/run-command.ts";
import { openControl } from "./compose-control.ts";
import {
  admitted,
  by,
  deviceId,
  invitation,
  otherShop,
  shop,
} from "./control/control-harness.contract.ts";
import type { ControlStore } from "./control/control-store.ts";
import { readDatabaseAddress } from "./postgres/database-address.ts";
import { openNode } from "./store/postgres/postgres-harness.contract.ts";
import { openSqliteStore } from "./store/sqlite/open-sqlite-store.ts";
import { readMovedMark, writeMovedMark } from "./store/sqlite/moved-mark.ts";
import {
  at,
  batches,
  days,
  declared,
  expectTrueDigests,
  ledger,
  otherSpace,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  refused,
  space,
  TestClock,
  write,
} from "./store/store-harness.contract.ts";
import type { Store, StoreOptions } from "./store/store.ts";

const erased = "erased" as SpaceId;

let folder: string;
let database: TestDatabase;
let clock: TestClock;
let options: StoreOptions;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-move-"));
  database = await (await sharedPostgres()).createDatabase();
  clock = new TestClock();
  options = { runtime: clock.runtime, collections: declared, limits: defaultLimits };
});

afterEach(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const openFolder = (): Promise<Store> =>
  openSqliteStore({
    ...options,
    dataDir: folder,
    writer: "inline",
    bytesMax: null,
    onFatal: (error) => {
      throw error;
    },
  });

const migrate = () =>
  runCommand(["migrate", "--grant-to", APP], {
    environment: { SYNCHRO_DATABASE: database.ownerUrl },
  });

const move = (url = database.ownerUrl) =>
  runCommand(["move", "--data", folder], { environment: { SYNCHRO_DATABASE: url } });

const controlOf = (of: "folder" | "database"): Promise<ControlStore> =>
  openControl(
    of === "folder"
      ? { kind: "folder", folder }
      : {
          kind: "database",
          address: readDatabaseAddress(database.appUrl, {}),
          allowsSuperuser: false,
        },
  );

const texts = [
  "plain",
  "back\\slash\\n",
  "tab\tline\nreturn\r",
  "\\.",
  "\\N",
  "😀",
  '{"a":"b"}',
  "",
];

/** Something of everything, in two openings and three spaces. */
const fill = async (): Promise<void> => {
  const first = await openFolder();
  const many = Array.from({ length: 3_000 }, (_, n) => write(`k${n}`, at(n % 70), { n }));
  await pushTo(first, many);
  await pushTo(
    first,
    texts.map((text, n) =>
      write(
        `t${n}${text}`,
        at(5),
        { text },
        { author: { name: `by ${text}`, verified: n % 2 === 0 } },
      ),
    ),
  );
  await pushTo(first, [write("x", at(1), { n: 1 })], { space: erased });
  await first.eraseSpace(erased);
  await first.close();
  const store = await openFolder();
  await pushTo(store, [write("k1", at(3), null), write("k2", at(80), null)], { now: at(3) });
  for (const text of texts) {
    await pushTo(store, [write("k3", at(2), { text }), refused("bad_value", text)], {
      clientId: text,
    });
  }
  for (const n of [1, 2, 3]) {
    await pushTo(store, [write("l", at(n), { n }, { collection: ledger })]);
  }
  await pushTo(store, [write("b", at(1), { other: true })], { space: otherSpace });
  await pushTo(store, [write("gone", at(1), null)], { space: otherSpace, now: at(1) });
  await store.purge(otherSpace, at(10));
  await store.close();
  const control = await controlOf("folder");
  await control.createSpace({ id: shop, title: "Malmö\t1", recordsMax: 5_000 }, by(1));
  await control.createSpace({ id: otherShop, title: "", recordsMax: null }, by(2));
  await control.createInvitation(invitation("hash-1", { usesLeft: 2 }), by(3));
  await admitted(control, { code: "hash-1", secret: "one" }, deviceId(1), 4);
  await control.revokeToken({ tokenId: "token-1", expiresAt: at(days(90)) }, by(4));
  await control.close();
};

/** All that can be read, whichever engine it is in. */
const readAll = async (store: Store) => {
  const of = async (each: SpaceId) => ({
    run: (await pullRun(store, { space: each, tombstones: true })).records,
    digests: (await store.pull(pullRequest({ space: each }))).digests,
    rejections: await store.listRejections(each, { clientId: null, limit: 99 }),
    evidence: await Promise.all(
      [readings, batches, ledger].map((collection) =>
        store.listEvidence(each, { collection, key: null, limit: 99 }),
      ),
    ),
    history: await store.listHistory(each, {
      collection: ledger,
      key: "l",
      beforeSeq: null,
      limit: 99,
    }),
  });
  return {
    names: await store.listSpaces(),
    spaces: await Promise.all([space, otherSpace, erased].map(of)),
  };
};

const readControl = async (control: ControlStore) => ({
  spaces: await control.listSpaces(),
  devices: await control.listDevices(null),
  access: { ...(await control.readAccess()), version: 0 },
  audit: (await control.listAudit({ space: null, before: null, limit: 99 })).filter(
    ({ action }) => action !== "data.move",
  ),
});

describe("is refused in one line, and changes nothing", () => {
  const refusal = async (url?: string): Promise<string> => {
    const { code, stdout, stderr } = await move(url);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).not.toContain("canary");
    return stderr;
  };

  test("a folder without data, one that a server has, and a database that lacks migrations", async () => {
    expect(await refusal()).toContain("there is no database in");
    await fill();
    const store = await openFolder();
    expect(await refusal()).toContain("open in another process");
    await store.close();
    expect(await refusal()).toContain("lacks what this version needs");
    expect(readMovedMark(folder)).toBeNull();
  });

  test("a role that owns nothing, and a database that holds data", async () => {
    await fill();
    await migrate();
    expect(await refusal(database.appUrl)).toContain("only the role that owns schema synchro");
    expect(readMovedMark(folder)).toBeNull();
    const node = await openNode(database, options);
    await pushTo(node, [write("a", at(1), {})]);
    expect(await refusal()).toContain("it holds data already");
    expect(readMovedMark(folder)).toBeNull();
    // The folder is served as before, the database too, and its policies hold.
    expect((await pullRun(node)).records).toHaveLength(1);
    await node.close();
    const [guards] = await database.sql(
      "SELECT count(*) FROM pg_class WHERE relnamespace = 'synchro'::regnamespace AND relrowsecurity AND NOT relforcerowsecurity",
    );
    expect(guards).toEqual({ count: "0" });
    await (await openFolder()).close();
  });
});

test("everything is there, with its seqs; every cursor and ack stays valid, and devices go on", async () => {
  await fill();
  await migrate();
  const before = await openFolder();
  const held = await readAll(before);
  const { position: rested } = await pullRun(before);
  const running = (await before.pull(pullRequest({ recordsMax: 100 }))).position;
  const states = await Promise.all(held.names.map((name) => before.describeSpace(name)));
  const ack = { epoch: rested!.epoch, seq: rested!.seq };
  await before.close();
  const folderControl = await controlOf("folder");
  const heldControl = await readControl(folderControl);
  await folderControl.close();
  const bytes = readFileSync(join(folder, "synchro.db"));

  const { code, stdout, stderr } = await move();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^postgres:\/\/\S+ holds 3\d\d\d records in 3 spaces of /);

  const node = await openNode(database, options);
  expect(await readAll(node)).toEqual(held);
  for (const [index, name] of held.names.entries()) {
    const state = states[index]!;
    expect(await node.describeSpace(name)).toEqual({
      ...state,
      epochs: [...state.epochs, { epoch: expect.any(String), fromSeq: state.head }],
    });
    await expectTrueDigests(node, name);
  }
  const still = await node.pull(pullRequest({ cursor: rested, ack }));
  expect(still).toMatchObject({ reset: null, records: [], more: false });
  const rest = await pullRun(node, { cursor: running });
  expect(rest.pages[0]?.reset).toBeNull();
  const later = await pushTo(node, [write("new", at(1), {})]);
  expect(later.position.seq).toBe(ack.seq + 1);
  expect(await node.pull(pullRequest({ cursor: rested, ack }))).toMatchObject({
    reset: null,
    records: [{ key: "new" }],
  });
  // Kept once, as if it had never moved.
  const evidence = { collection: readings, key: "k3", limit: 99 };
  const keptBefore = await node.listEvidence(space, evidence);
  await pushTo(node, [write("k3", at(2), { text: "plain" }), refused("bad_value", "plain")], {
    clientId: "plain",
  });
  expect(await node.listEvidence(space, evidence)).toEqual(keptBefore);
  expect(await node.listRejections(space, { clientId: "plain", limit: 9 })).toHaveLength(1);
  await node.close();

  const control = await controlOf("database");
  expect(await readControl(control)).toEqual(heldControl);
  // What is numbered goes on after what was taken over.
  await control.createSpace({ id: "third" as SpaceId, title: "", recordsMax: null }, by(9));
  await admitted(control, { code: "hash-1", secret: "two" }, deviceId(2), 5);
  expect(await control.listDevices(null)).toHaveLength(2);
  await control.close();

  // The folder is as it was, and is served by nobody.
  expect(readFileSync(join(folder, "synchro.db")).equals(bytes)).toBe(true);
  await expect(openFolder()).rejects.toThrow("was moved to postgres://127.0.0.1");
  await expect(controlOf("folder")).rejects.toThrow("serve it from there with --database");
  const again = await move();
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("already") });
});

describe("one that was cut off", () => {
  test("before the database took it leaves nothing there, and is done by the next", async () => {
    await fill();
    await migrate();
    writeMovedMark(folder, { to: "postgres://h/d", state: "begun" });
    await expect(openFolder()).rejects.toThrow("is being moved to postgres://h/d");
    expect(await move()).toMatchObject({ code: 0 });
    expect(readMovedMark(folder)).toMatchObject({ state: "done" });
  });

  test("after the database took it is found out by the next", async () => {
    await fill();
    await migrate();
    await move();
    writeMovedMark(folder, { to: "postgres://h/d", state: "begun" });
    const { code, stdout } = await move();
    expect(code).toBe(0);
    expect(stdout).toContain("already: an earlier run had done it");
    expect(readMovedMark(folder)).toMatchObject({ state: "done" });
  });

  test("and whose target was written to since is not taken for the same", async () => {
    await fill();
    await migrate();
    await move();
    writeMovedMark(folder, { to: "postgres://h/d", state: "begun" });
    const node = await openNode(database, options);
    await pushTo(node, [write("since", at(1), {})]);
    await node.close();
    expect(await move()).toMatchObject({ code: 1 });
    expect(readMovedMark(folder)).toMatchObject({ state: "begun" });
  });
});
