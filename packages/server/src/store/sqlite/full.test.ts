import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemoryStore } from "../memory/memory-store.ts";
import {
  at,
  batches,
  declared,
  expectTrueDigests,
  ledger,
  pullRun,
  readings,
  refused,
  space,
  TestClock,
  write,
} from "../store-harness.contract.ts";
import type { PushOutcome, Store, StorePush } from "../store.ts";
import { databasePath } from "./data-directory.ts";
import { openSqliteStore, openSqliteStoreOver, type SqliteOptions } from "./open-sqlite-store.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";
import { StoreOpenError } from "./store-open-error.ts";

const options = {
  runtime: new TestClock().runtime,
  collections: declared,
  limits: defaultLimits,
  onFatal,
};

const PAGE_BYTES = 4_096;
const all = { clientId: null, limit: 9_999 };

/** Small and large values, evidence, rejections, history and deletes: a disk may be full at any of them. */
const pushes: readonly StorePush["changes"][] = Array.from({ length: 24 }, (_, round) => [
  write(`a${round % 7}`, at(round), { text: "x".repeat((round * 701) % 9_000) }),
  write(`b${round}`, at(round), { round }, { collection: batches }),
  write("old", at(100 - round), round % 3 === 0 ? null : { round }),
  write(
    `l${round % 3}`,
    at(round),
    { text: "y".repeat((round * 337) % 5_000) },
    { collection: ledger },
  ),
  refused("bad_key", `body ${round} ${"z".repeat((round * 211) % 3_000)}`),
]);

const push = (store: Store, changes: StorePush["changes"]): Promise<PushOutcome> =>
  store.push({ space, changes, checksClocks: true, clientId: "c1", now: at(0) });

/** All that a store shows of the space. */
const read = async (store: Store): Promise<unknown> => {
  const { records, pages } = await pullRun(store, { tombstones: true });
  const last = pages.at(-1);
  const ofRecord = (collection: typeof readings, key: string | null) => ({
    collection,
    key,
    limit: 9_999,
  });
  return {
    records,
    head: last?.head,
    digests: last?.digests,
    rejections: await store.listRejections(space, all),
    evidence: await Promise.all(
      [readings, batches, ledger].map((name) => store.listEvidence(space, ofRecord(name, null))),
    ),
    history: await store.listHistory(space, {
      collection: ledger,
      key: "l1",
      beforeSeq: null,
      limit: 99,
    }),
  };
};

describe("[STORE-8] a database that may not grow past its pages", () => {
  test("full at every page: each push is there whole or not at all, and all pass once it may grow", async () => {
    const empty = new DatabaseSync(":memory:");
    await openSqliteStoreOver(empty, { ...options, bytesMax: null }).close();
    const pagesAtLeast = Number(empty.prepare("PRAGMA page_count").get()?.["page_count"]);
    const fullAt = new Set<number>();
    for (let pages = pagesAtLeast; pages < pagesAtLeast + 70; pages += 1) {
      const database = new DatabaseSync(":memory:");
      const store = openSqliteStoreOver(database, { ...options, bytesMax: pages * PAGE_BYTES });
      const model = new MemoryStore(options);
      const left: StorePush["changes"][] = [];
      for (const [index, changes] of pushes.entries()) {
        const outcome = await push(store, changes);
        if (outcome.kind === "full") {
          fullAt.add(index);
          left.push(changes);
        }
        const expected = outcome.kind === "full" ? outcome : await push(model, changes);
        expect({ ...outcome, position: null }).toEqual({ ...expected, position: null });
        // To read everything each time would take long: after what was refused, and at the end.
        const isLooked = outcome.kind === "full" || index === pushes.length - 1;
        expect(isLooked ? await read(store) : null).toEqual(isLooked ? await read(model) : null);
      }
      // Without a restart.
      database.exec("PRAGMA max_page_count = 100000");
      for (const changes of left) {
        expect((await push(store, changes)).kind).toBe("committed");
        await push(model, changes);
      }
      expect(await read(store)).toEqual(await read(model));
      expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      await store.close();
    }
    // It was full early and late.
    expect(fullAt.size).toBeGreaterThan(pushes.length - 6);
  });

  test("of pushes that wait together those that fit pass, those that don't are told so", async () => {
    const database = new DatabaseSync(":memory:");
    const store = openSqliteStoreOver(database, { ...options, bytesMax: 60 * PAGE_BYTES });
    const sizes = [10, 400_000, 10, 300_000, 10];
    const outcomes = await Promise.all(
      sizes.map((size, index) => push(store, [write(`k${index}`, at(1), { t: "x".repeat(size) })])),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      "committed",
      "full",
      "committed",
      "full",
      "committed",
    ]);
    expect((await pullRun(store)).records.map(({ key, seq }) => [key, seq])).toEqual([
      ["k0", 1],
      ["k2", 2],
      ["k4", 3],
    ]);
    await expectTrueDigests(store);
  });

  test("a purge makes room", async () => {
    const database = new DatabaseSync(":memory:");
    const store = openSqliteStoreOver(database, { ...options, bytesMax: 60 * PAGE_BYTES });
    let count = 0;
    const keys = (from: number): StorePush["changes"] =>
      Array.from({ length: 50 }, (_, index) =>
        write(`${from}-${index}-${"k".repeat(200)}`, at(1), null),
      );
    while ((await push(store, keys(count))).kind === "committed") count += 1;
    expect(count).toBeGreaterThan(1);
    expect((await store.purge(space, at(9))).purged).toBe(count * 50);
    expect((await push(store, [write("k", at(99), { t: "x".repeat(50_000) })])).kind).toBe(
      "committed",
    );
  });
});

const isRoot = process.getuid?.() === 0;

/** Runs a command that the test can't do without. */
const run = (command: string, args: readonly string[], help: string): void => {
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`${command} is missing: ${help}`, { cause: error });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
};

const why = isRoot ? "" : " (not run: only root can mount a small one)";

describe.skipIf(!isRoot)(`[STORE-8] [PUSH-22] a disk that is full${why}`, () => {
  const MIB = 1024 * 1024;
  let disk: string;
  let dataDir: string;
  const opened: Store[] = [];

  beforeEach(() => {
    disk = createDataDir();
    run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], "sudo apt-get install -y mount");
    dataDir = join(disk, "data");
  });

  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    run("umount", [disk], "sudo apt-get install -y mount");
    rmSync(disk, { recursive: true });
  });

  const open = async (writer: SqliteOptions["writer"]): Promise<Store> => {
    const store = await openSqliteStore({ ...options, dataDir, writer, bytesMax: null });
    opened.push(store);
    return store;
  };

  /** Takes all the room that is left. */
  const fill = (): void => {
    // What does not fit leaves behind as much of it as did.
    expect(() => writeFileSync(join(disk, "ballast"), Buffer.alloc(64 * MIB))).toThrow("ENOSPC");
  };

  const makeRoom = (): void => rmSync(join(disk, "ballast"));

  test.each(["inline", "worker"] as const)(
    "pushes are refused whole and read on, and pass again without a restart (%s)",
    async (writer) => {
      const store = await open(writer);
      const model = new MemoryStore(options);
      const step = async (index: number): Promise<PushOutcome["kind"]> => {
        const changes = [
          write(`small-${index}`, at(1), { index }),
          write(`big-${index}`, at(1), { text: "x".repeat(index % 3 === 0 ? 90_000 : 3_000) }),
        ];
        const outcome = await push(store, changes);
        if (outcome.kind === "committed") await push(model, changes);
        return outcome.kind;
      };
      let round = 0;
      while ((await step(round)) === "committed") round += 1;
      expect(await read(store)).toEqual(await read(model));

      // With not one byte left, whatever it would be that has to grow.
      fill();
      for (let more = 0; more < 20; more += 1) {
        const outcome = await push(store, [write(`more-${more}`, at(1), { t: "x".repeat(5_000) })]);
        if (outcome.kind === "committed") {
          await push(model, [write(`more-${more}`, at(1), { t: "x".repeat(5_000) })]);
        }
      }
      expect(await read(store)).toEqual(await read(model));
      const snapshot = await store.openSnapshot(space);
      expect(snapshot.state?.head).toBeGreaterThan(0);
      await snapshot.close();

      makeRoom();
      run("mount", ["-o", "remount,size=16m", disk], "sudo apt-get install -y mount");
      for (let index = round; index < round + 20; index += 1) {
        expect(await step(index)).toBe("committed");
      }
      expect(await read(store)).toEqual(await read(model));
      await store.close();
      const again = await open(writer);
      expect(await read(again)).toEqual(await read(model));
      await again.close();
      const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
      expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      database.close();
    },
  );

  test("of many pushes at once, those told committed are there and no others", async () => {
    const store = await open("worker");
    const outcomes = await Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        push(store, [write(`k${index}`, at(1), { t: "x".repeat((index * 997) % 90_000) })]),
      ),
    );
    const keys = outcomes.flatMap(({ kind }, index) => (kind === "committed" ? [`k${index}`] : []));
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.length).toBeLessThan(120);
    expect((await pullRun(store)).records.map(({ key }) => key)).toEqual(keys);
    await expectTrueDigests(store);
  });

  test("nothing can be opened where nothing fits, and it says why in one line; with room it opens", async () => {
    mkdirSync(dataDir);
    fill();
    const error = await open("inline").then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StoreOpenError);
    expect(error).toMatchObject({ code: "full" });
    makeRoom();
    await open("inline");
  });

  test("data that are there are opened and read on a full disk, and written once there is room", async () => {
    const first = await open("worker");
    await push(first, [write("a", at(1), { n: 1 })]);
    await first.close();
    // Not even the log's index has room.
    fill();
    await expect(open("worker")).rejects.toMatchObject({ code: "full" });
    makeRoom();
    // Enough for the log's index, too little for a push.
    const spare = join(disk, "spare");
    writeFileSync(spare, Buffer.alloc(48 * 1024));
    fill();
    rmSync(spare);
    const store = await open("worker");
    expect((await pullRun(store)).records).toHaveLength(1);
    const big = [write("b", at(1), { t: "x".repeat(200_000) })];
    expect((await push(store, big)).kind).toBe("full");
    makeRoom();
    expect((await push(store, big)).kind).toBe("committed");
  });

  test("a disk that may only be read is refused", async () => {
    await (await open("inline")).close();
    run("mount", ["-o", "remount,ro", disk], "sudo apt-get install -y mount");
    await expect(open("inline")).rejects.toMatchObject({ code: "not_writable" });
  });
});
