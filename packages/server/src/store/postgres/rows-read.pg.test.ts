import type { SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pause } from "../../../testing/postgres/pause.ts";
import type { TestDatabase } from "../../../testing/postgres/test-database.ts";
import { systemRuntime } from "../../system-runtime.ts";
import {
  at,
  batches,
  declared,
  ledger,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  refused,
  space,
  write,
} from "../store-harness.contract.ts";
import type { Store, StoreOptions } from "../store.ts";
import { createRecordDatabase, openNode } from "./postgres-harness.contract.ts";

const options: StoreOptions = {
  runtime: systemRuntime,
  collections: declared,
  limits: defaultLimits,
};

const RECORDS = 12_000;
const other = "other" as SpaceId;

let database: TestDatabase;
let head: number;
let epoch: Store["epoch"];

const fill = async (store: Store, of: SpaceId): Promise<void> => {
  for (let from = 0; from < RECORDS; from += 2_000) {
    await pushTo(
      store,
      Array.from({ length: 2_000 }, (_, n) =>
        write(`k${from + n}`, at(from + n), (from + n) % 3 === 0 ? null : { n }, {
          collection: n % 2 === 0 ? readings : batches,
        }),
      ),
      { space: of, now: at(RECORDS) },
    );
  }
};

beforeAll(async () => {
  database = await createRecordDatabase();
  const store = await openNode(database, options);
  await fill(store, space);
  await fill(store, other);
  ({ epoch } = store);
  await store.close();
});

afterAll(() => database.drop());

/** A table of a few rows is read whole: that costs less than a look into its index. */
const FEW = 50;

type RowsRead = { readonly scanned: number; readonly fetched: number };

const figures = async (): Promise<RowsRead> => {
  const [row] = await database.sql(
    `SELECT sum(seq_tup_read)::int AS scanned, sum(idx_tup_fetch)::int AS fetched
     FROM pg_stat_user_tables WHERE relname IN ('records', 'history', 'evidence', 'rejections')`,
  );
  return row as RowsRead;
};

/** Rows of the large tables that some work makes the database look at; told when its connections have gone. */
const rowsReadBy = async (work: (store: Store) => Promise<unknown>): Promise<RowsRead> => {
  const store = await openNode(database, options);
  await store.close();
  const before = await figures();
  const node = await openNode(database, options);
  await work(node);
  await node.close();
  // A connection tells its figures as it goes, a moment after it was left.
  let after = await figures();
  for (let tries = 0; tries < 20; tries += 1) {
    await pause(25);
    const next = await figures();
    const isQuiet = next.fetched === after.fetched && next.scanned === after.scanned;
    after = next;
    if (isQuiet && tries > 3) break;
  }
  return { scanned: after.scanned - before.scanned, fetched: after.fetched - before.fetched };
};

describe.each(["as the tables grew", "once they are analyzed"])(
  "%s, reading costs what is asked for",
  (when) => {
    beforeAll(async () => {
      if (when !== "as the tables grew") await database.sql("ANALYZE");
      const store = await openNode(database, options);
      head = (await store.describeSpace(space))?.head ?? 0;
      await store.close();
    });

    const cursorAt = (seq: number) => ({ epoch, seq, collections: null, start: null });

    test("a pull of what is new, and the first page of a run", async () => {
      const recent = await rowsReadBy(async (store) => {
        const answer = await store.pull(pullRequest({ cursor: cursorAt(head - 10) }));
        expect(answer.records).toHaveLength(10);
      });
      expect(recent.scanned).toBeLessThan(FEW);
      expect(recent.fetched).toBeLessThan(60);
      const first = await rowsReadBy(async (store) => {
        expect((await store.pull(pullRequest({ recordsMax: 10 }))).records).toHaveLength(10);
      });
      expect(first.scanned).toBeLessThan(FEW);
      expect(first.fetched).toBeLessThan(60);
      // No tombstone is passed on the way, nor another collection.
      const one = await rowsReadBy((store) =>
        store.pull(pullRequest({ recordsMax: 10, collections: [ledger] })),
      );
      expect(one.fetched).toBeLessThan(10);
    });

    test("a push, with evidence and refusals", async () => {
      const { scanned, fetched } = await rowsReadBy((store) =>
        pushTo(store, [
          write("k2", at(0), { late: when }),
          write("k4", at(0), { late: when }),
          write(`new ${when}`, at(RECORDS), {}),
          refused("bad_key", when),
        ]),
      );
      expect(scanned).toBeLessThan(FEW);
      expect(fetched).toBeLessThan(60);
    });

    test("a snapshot: records by key, and the newest by stamp", async () => {
      const { scanned, fetched } = await rowsReadBy(async (store) => {
        const snapshot = await store.openSnapshot(space);
        await snapshot.lookup(readings, ["k2", "k4", "absent"]);
        const recent = { afterStamp: at(RECORDS - 50), afterSeq: 0 };
        for await (const chunk of snapshot.liveByStamp(readings, recent))
          expect(chunk.length).toBeLessThan(50);
        const changed = { afterStamp: null, afterSeq: head - 50 };
        for await (const chunk of snapshot.liveByStamp(readings, changed))
          expect(chunk.length).toBeLessThan(50);
        await snapshot.close();
      });
      expect(scanned).toBeLessThan(FEW);
      expect(fetched).toBeLessThan(250);
    });

    test("what is kept, and a purge that finds nothing old enough", async () => {
      const { scanned, fetched } = await rowsReadBy(async (store) => {
        await store.listEvidence(space, { collection: readings, key: "k2", limit: 5 });
        await store.listEvidence(space, { collection: readings, key: null, limit: 5 });
        await store.listRejections(space, { clientId: null, limit: 5 });
        await store.listHistory(space, { collection: ledger, key: "a", beforeSeq: null, limit: 5 });
      });
      expect(scanned).toBeLessThan(FEW);
      expect(fetched).toBeLessThan(60);
    });

    // Where a page is about as large as a collection it may be sorted from one of each.
    test("a whole run reads each record about once", async () => {
      const { scanned, fetched } = await rowsReadBy(async (store) => {
        const { records } = await pullRun(store, { recordsMax: 1_000 });
        expect(records.length).toBeGreaterThan(7_000);
      });
      expect(scanned).toBeLessThan(FEW);
      expect(fetched).toBeLessThan(13_000);
    });
  },
);
