import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import type { Epoch, SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemRuntime } from "../../system-runtime.ts";
import { MemoryStore } from "../memory/memory-store.ts";
import {
  at,
  declared,
  expectTrueDigests,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  space,
  start,
  TestClock,
  write,
} from "../store-harness.contract.ts";
import type { Store, StorePush } from "../store.ts";
import { databasePath } from "./data-directory.ts";
import { connectWriter, setWriterPragmas } from "./open-database.ts";
import { openSqliteStore, openSqliteStoreOver } from "./open-sqlite-store.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";
import { holdsErased, STEP_ROWS_MAX } from "./upkeep-writer.ts";
import type { PurgeStep, WriteRequest, WriteResult } from "./write-request.ts";
import { WriterCore } from "./writer-core.ts";

const options = {
  runtime: new TestClock().runtime,
  collections: declared,
  limits: defaultLimits,
  bytesMax: null,
  onFatal,
};

let dataDir: string;
const opened: Store[] = [];

beforeEach(() => {
  dataDir = createDataDir();
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const open = async (): Promise<Store> => {
  const store = await openSqliteStore({ ...options, dataDir, writer: "inline" });
  opened.push(store);
  return store;
};

/** Commits single requests, as the queue does, and then is gone as if killed: nothing is finished. */
const commitAndDie = (requestOf: (step: number) => WriteRequest, count: number): WriteResult[] => {
  const database = connectWriter(databasePath(dataDir));
  setWriterPragmas(database, null);
  const core = new WriterCore(database, {
    epoch: "00000000000000000000" as Epoch,
    collections: declared,
    limits: defaultLimits,
    sha256: systemRuntime.sha256,
  });
  const results = Array.from({ length: count }, (_, step) => core.commit([requestOf(step)])).flat();
  database.close();
  return results;
};

const tombstones = (count: number): StorePush["changes"] =>
  Array.from({ length: count }, (_, n) => write(`k${n}`, at(n % 3 === 0 ? 90 : 1), null));

describe("a kill between two steps of a purge", () => {
  const count = 3 * STEP_ROWS_MAX + 7;

  test.each([1, 2, 3])(
    "[PURGE-7] after step %i leaves a purge like any other, and another purge takes the rest",
    async (steps) => {
      const first = await open();
      await pushTo(first, [write("live", at(1), { n: 1 }), ...tombstones(count)], { now: at(1) });
      const { position: old } = await pullRun(first, { tombstones: true });
      await first.close();

      let from: PurgeStep["next"] = null;
      for (let step = 0; step < steps; step += 1) {
        const request: WriteRequest = { kind: "purge", space, cutoff: at(9), from };
        const [result] = commitAndDie(() => request, 1);
        if (result?.kind !== "purged") throw new Error("not purged");
        from = result.step.next;
      }
      expect(from).not.toBeNull();

      const store = await open();
      const { records } = await pullRun(store, { tombstones: true });
      const state = await store.describeSpace(space);
      // What is gone lies at or below the floor, and what is left is as it was.
      const gone = count + 1 - records.length;
      expect(gone).toBeGreaterThan(steps * STEP_ROWS_MAX * 0.6);
      expect(gone).toBeLessThan(count * 0.67);
      const left = new Set(records.map(({ seq }) => seq));
      const missing = Array.from({ length: count + 1 }, (_, n) => n + 1).filter(
        (seq) => !left.has(seq),
      );
      expect(state?.floor).toBe(missing.at(-1));
      expect(state).toMatchObject({ head: count + 1, cutoff: at(1) });
      await expectTrueDigests(store);
      const reset = async (seq: number) =>
        (await store.pull(pullRequest({ cursor: { ...old!, seq } }))).reset;
      expect(await reset(state!.floor - 1)).toBe("drop");
      expect(await reset(state!.floor)).toBeNull();

      const rest = await store.purge(space, at(9));
      expect(rest).toMatchObject({ kind: "purged" });
      const whole = new MemoryStore(options);
      await pushTo(whole, [write("live", at(1), { n: 1 }), ...tombstones(count)], { now: at(1) });
      expect(await whole.purge(space, at(9))).toEqual({ ...rest, purged: gone + rest.purged });
      expect((await pullRun(store, { tombstones: true })).records).toEqual(
        (await pullRun(whole, { tombstones: true })).records,
      );
    },
  );
});

test("[STORE-8] [PURGE-7] a purge that finds no room says how far it came, and stands so far", async () => {
  const database = new DatabaseSync(":memory:");
  const store = openSqliteStoreOver(database, options);
  await pushTo(store, tombstones(3 * STEP_ROWS_MAX), { now: at(1) });
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  // A delete that needs room, and more of it than there is.
  database.exec(`
    CREATE TEMP TRIGGER full BEFORE DELETE ON records WHEN OLD.seq > ${2 * STEP_ROWS_MAX}
    BEGIN INSERT INTO history (collection, key, seq, stamp, value)
      VALUES (1, hex(randomblob(100000)), OLD.seq, OLD.stamp, ''); END`);
  database.exec(`PRAGMA max_page_count = ${pages + 200}`);
  const outcome = await store.purge(space, at(9));
  expect(outcome.kind).toBe("full");
  expect(outcome.purged).toBeGreaterThan(STEP_ROWS_MAX);
  expect(await store.describeSpace(space)).toMatchObject({ floor: outcome.floor });
  expect((await pullRun(store, { tombstones: true })).records).toHaveLength(
    3 * STEP_ROWS_MAX - outcome.purged,
  );
  database.exec("DROP TRIGGER full");
  const rest = await store.purge(space, at(9));
  expect(rest.purged).toBe(2 * STEP_ROWS_MAX - outcome.purged);
});

describe("a kill in the middle of an erasure", () => {
  const secret = "canary-7f3a91";
  const erase: WriteRequest = {
    kind: "erase",
    space,
    drawn: "00000000000000000001" as Epoch,
    now: start,
  };

  const fill = async (): Promise<void> => {
    const store = await open();
    const changes = Array.from({ length: 2_500 }, (_, n) =>
      write(`${secret}-${n}`, at(n), { text: secret }),
    );
    await pushTo(store, changes);
    await pushTo(store, [write("other", at(1), {})], { space: "shop-9" as SpaceId });
    await store.close();
  };

  test.each([1, 2, 3])(
    "[ERASE-5] [ERASE-6] after commit %i all is out of sight, and the next opening takes it off the disk",
    async (commits) => {
      await fill();
      commitAndDie((step) => (step === 0 ? erase : { kind: "remove_erased" }), commits);
      const store = await open();
      expect((await pullRun(store, { tombstones: true })).records).toEqual([]);
      await expectTrueDigests(store);
      const watch = new DatabaseSync(databasePath(dataDir), { readOnly: true });
      while (holdsErased(watch)) await wait(5);
      expect(watch.prepare("SELECT count(*) AS n FROM records").get()).toEqual({ n: 1 });
      watch.close();
      expect((await pullRun(store, { space: "shop-9" as SpaceId })).records).toHaveLength(1);
    },
  );

  test("[ERASE-6] when it is done no table holds a row of it", async () => {
    await fill();
    const store = await open();
    await pushTo(store, [write(`${secret}-1`, at(0), { text: secret })]);
    const evidence = { collection: readings, key: null, limit: 9 };
    expect(await store.listEvidence(space, evidence)).toHaveLength(1);
    expect(await store.eraseSpace(space)).toEqual({ kind: "erased", isFound: true });
    expect(await store.listEvidence(space, evidence)).toEqual([]);
    await store.close();
    const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
    const counts = ["records", "history", "evidence", "rejections", "collections"].map((table) =>
      Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]),
    );
    database.close();
    expect(counts).toEqual([1, 0, 0, 0, 1]);
  });
});
