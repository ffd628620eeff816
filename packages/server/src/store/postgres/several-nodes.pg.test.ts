import { drawEpoch, lifeOfSpace } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startPostgres } from "../../../testing/postgres/start-postgres.ts";
import { startReplica } from "../../../testing/postgres/start-replica.ts";
import { databaseAt, type TestDatabase } from "../../../testing/postgres/test-database.ts";
import {
  at,
  batches,
  declared,
  expectTrueDigests,
  only,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  space,
  TestClock,
  write,
} from "../store-harness.contract.ts";
import type { StoreOptions } from "../store.ts";
import { beginEpoch } from "./begin-epoch.ts";
import {
  createRecordDatabase,
  migrateDatabase,
  openNode,
  openPool,
} from "./postgres-harness.contract.ts";
import type { PostgresStore } from "./postgres-store.ts";

let database: TestDatabase;
const nodes: PostgresStore[] = [];

const clock = new TestClock();

const open = async (collections = declared): Promise<PostgresStore> => {
  const options: StoreOptions = { runtime: clock.runtime, collections, limits: defaultLimits };
  const node = await openNode(database, options);
  nodes.push(node);
  return node;
};

beforeEach(async () => {
  database = await createRecordDatabase();
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
  await database.drop();
});

describe("nodes over one database", () => {
  test("[EPOCH-4] have one epoch, and opening one resets nobody", async () => {
    const [a, b] = await Promise.all([open(), open()]);
    expect(a.epoch).toBe(b.epoch);
    await pushTo(a, [write("a", at(1), {})]);
    await pushTo(b, [write("b", at(1), {})]);
    const c = await open();
    await pushTo(c, [write("c", at(1), {})]);
    expect((await a.describeSpace(space))?.epochs).toEqual([{ epoch: a.epoch, fromSeq: 0 }]);
  });

  test("[STORE-4] [STORE-6] write to one space at once: no seq twice, none hidden, and whoever asks sees all that was answered", async () => {
    const all = await Promise.all([open(), open(), open()]);
    const seqs: number[] = [];
    await Promise.all(
      all.flatMap((node, index) =>
        Array.from({ length: 6 }, async (_, writer) => {
          for (let n = 0; n < 8; n += 1) {
            const key = `n${index}-${writer}-${n}`;
            const { position, results } = await pushTo(node, [
              write(key, at(1), { n }),
              write("all", at(n * 20 + index), {}),
            ]);
            for (const result of results) if (result.kind === "applied") seqs.push(result.seq);
            const other = all[(index + 1) % all.length]!;
            const { head } = await other.pull(pullRequest({ recordsMax: 1 }));
            expect(head).toBeGreaterThanOrEqual(position.seq);
          }
        }),
      ),
    );
    const [a] = all;
    const { records, pages } = await pullRun(a, { recordsMax: 50 });
    expect(records).toHaveLength(3 * 6 * 8 + 1);
    const unique = new Set(seqs);
    expect(records.filter(({ seq }) => !unique.has(seq))).toEqual([]);
    expect(Math.max(...seqs)).toBe(pages.at(-1)?.head);
    await expectTrueDigests(a);
  });

  test("[EPOCH-8] that open at once with other collections note it once", async () => {
    const first = await open(only(readings));
    await pushTo(first, [write("a", at(1), {})]);
    const later = await Promise.all([open(), open(), open()]);
    expect(new Set(later.map(({ epoch }) => epoch)).size).toBe(1);
    expect((await first.describeSpace(space))?.epochs).toHaveLength(2);
  });

  test("[PULL-12] of an older configuration hide nothing of what a newer one declares", async () => {
    const old = await open(only(readings));
    await pushTo(old, [write("a", at(1), {})]);
    const { position } = await pullRun(old);
    const fresh = await open();
    await pushTo(fresh, [write("b", at(1), {}, { collection: batches })]);
    // It knows nothing of that collection, and its cursor would pass it.
    const answer = await old.pull(pullRequest({ cursor: position }));
    expect(answer).toMatchObject({ reset: null, records: [{ collection: batches, key: "b" }] });
    expect([...answer.digests.keys()]).toContain(batches);
    await expectTrueDigests(old);
  });

  test("[PULL-12] go on writing to what the last opening has not declared, and nothing of it is lost", async () => {
    const old = await open();
    await pushTo(old, [write("a", at(1), {})]);
    const fresh = await open(only(readings));
    await pushTo(old, [write("b", at(1), {}, { collection: batches })]);
    const { position, records } = await pullRun(old);
    expect(records.map(({ key }) => key)).toEqual(["a"]);
    await fresh.close();
    const again = await open();
    const news = await pullRun(again, { cursor: position });
    expect(news.pages[0]?.reset).toBeNull();
    expect(news.records).toMatchObject([{ collection: batches, key: "b", seq: 3 }]);
  });

  test("[ERASE-5] none shows a part of what another erases, and both go on above it", async () => {
    const [a, b] = await Promise.all([open(), open()]);
    const many = Array.from({ length: 2_500 }, (_, n) => write(`k${n}`, at(1), { n }));
    await pushTo(a, many);
    const erasing = a.eraseSpace(space);
    const counts = new Set<number>();
    const over = new AbortController();
    void erasing.then(() => over.abort());
    while (!over.signal.aborted) {
      const page = await b.pull(pullRequest({ recordsMax: 5_000 }));
      counts.add(page.records.length);
    }
    expect([...counts].filter((count) => count !== 0 && count !== 2_500)).toEqual([]);
    expect(await erasing).toEqual({ kind: "erased", isFound: true });
    const { position } = await pushTo(b, [write("new", at(9), {})]);
    expect(position.seq).toBe(2_502);
    expect(await database.sql("SELECT count(*)::int AS n FROM synchro.records")).toEqual([
      { n: 1 },
    ]);
  });

  test("an erasure that was cut off is ended by the next opening", async () => {
    const a = await open();
    await pushTo(
      a,
      Array.from({ length: 1_500 }, (_, n) => write(`k${n}`, at(1), { n })),
    );
    await a.close();
    // As a kill leaves it after its first transaction.
    await database.sql(
      "UPDATE synchro.spaces SET era = 1, head = head + 1",
      "INSERT INTO synchro.erased SELECT space, 0 FROM synchro.spaces",
    );
    await open();
    await expect
      .poll(() => database.sql("SELECT count(*)::int AS n FROM synchro.records"), {
        timeout: 5_000,
      })
      .toEqual([{ n: 0 }]);
    expect(await database.sql("SELECT count(*)::int AS n FROM synchro.erased")).toEqual([{ n: 0 }]);
  });

  test("[EPOCH-7] a life that is begun for good makes every holder of the one before drop what it has beyond", async () => {
    const a = await open();
    await pushTo(a, [write("a", at(1), {})]);
    const { position } = await pullRun(a);
    const beyond = { ...position!, seq: 9 };
    const pool = openPool(database.appUrl, 1);
    const of = { drawn: drawEpoch(clock.runtime), isFinal: true, sha256: clock.runtime.sha256 };
    const begun = await pool.transaction({ space: "*" }, (tx) => beginEpoch(tx, null, of));
    expect(begun).toMatchObject({ kind: "committed", result: { spaces: 1 } });
    await pool.close();
    const resetOf = async (cursor: typeof position) =>
      (await a.pull(pullRequest({ cursor }))).reset;
    expect([await resetOf(position), await resetOf(beyond)]).toEqual([null, "drop"]);
    await pushTo(a, [write("b", at(1), {})]);
    expect(lifeOfSpace((await a.describeSpace(space))?.epochs ?? [])).toBe(1);
  });

  test("row-level security: a transaction of one space sees and writes no other's rows", async () => {
    const a = await open();
    await pushTo(a, [write("mine", at(1), {})]);
    await pushTo(a, [write("theirs", at(1), {})], { space: "shop-2" as typeof space });
    const pool = openPool(database.appUrl, 1);
    const all = { name: "everything", text: "SELECT key FROM synchro.records" };
    expect(await pool.read({ space }, (tx) => tx.read(all))).toEqual([["mine"]]);
    const steal = {
      name: "steal",
      text: "UPDATE synchro.records SET seq = 9 WHERE space = 'shop-2'",
    };
    const outcome = await pool.transaction({ space }, (tx) => tx.write(steal));
    expect(outcome).toMatchObject({ kind: "committed", result: { count: 0 } });
    const plant = {
      name: "plant",
      text: "INSERT INTO synchro.spaces VALUES ('shop-3', 0, 0, 0, NULL, 0, '[]', '[]')",
    };
    await expect(pool.transaction({ space }, (tx) => tx.write(plant))).rejects.toThrow(
      "row-level security",
    );
    await pool.close();
  });
});

describe("a replica that is promoted", () => {
  test("[EPOCH-3] [EPOCH-4] and lacks commits asks for them: whoever saw more gets an offer, and only they", async () => {
    const primary = await startPostgres();
    const made = await primary.createDatabase();
    await migrateDatabase(made);
    const replica = await startReplica(primary);
    const options = { runtime: clock.runtime, collections: declared, limits: defaultLimits };
    const before = await openNode(made, options);
    try {
      await pushTo(before, [write("a", at(1), {}), write("b", at(1), {})]);
      const { position: kept } = await pullRun(before);
      await replica.catchUp();
      await replica.stop();
      await pushTo(before, [write("lost", at(1), {})]);
      const { position: lost } = await pullRun(before);
      await before.close();
      await primary.stop("kill");
      await replica.start();
      await replica.promote();
      const after = await openNode(databaseAt(replica, made.name), options);
      expect(after.epoch).not.toBe(before.epoch);
      const resetOf = async (cursor: typeof kept) =>
        (await after.pull(pullRequest({ cursor }))).reset;
      expect([await resetOf(kept), await resetOf(lost)]).toEqual([null, "offer"]);
      // Others write, and the head passes where it was.
      await pushTo(after, [write("c", at(1), {}), write("d", at(1), {})]);
      expect([await resetOf(kept), await resetOf(lost)]).toEqual([null, "offer"]);
      expect((await after.describeSpace(space))?.epochs).toEqual([
        { epoch: before.epoch, fromSeq: 0 },
        { epoch: after.epoch, fromSeq: 2 },
      ]);
      await after.close();
    } finally {
      await before.close();
      await replica.dispose();
      await primary.dispose();
    }
  });
});
