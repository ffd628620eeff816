import { DatabaseSync } from "node:sqlite";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  at,
  batches,
  declared,
  ledger,
  otherSpace,
  pullRun,
  pushTo,
  readings,
  refused,
  space,
  TestClock,
  write,
} from "../store-harness.contract.ts";
import type { Store } from "../store.ts";
import { openSqliteStoreOver } from "./open-sqlite-store.ts";
import { onFatal } from "./sqlite-harness.contract.ts";

/** Every statement that any connection has prepared. */
const prepared = new Set<string>();
let listen: () => void;
let database: DatabaseSync;
let store: Store;

const options = {
  runtime: new TestClock().runtime,
  collections: declared,
  limits: defaultLimits,
  bytesMax: null,
  onFatal,
};

beforeEach(() => {
  prepared.clear();
  // It still prepares: the spy only listens.
  const spy = vi.spyOn(DatabaseSync.prototype, "prepare");
  listen = () => {
    for (const [sql] of spy.mock.calls) prepared.add(sql.replaceAll(/\s+/g, " ").trim());
  };
  database = new DatabaseSync(":memory:");
  store = openSqliteStoreOver(database, options);
});

afterEach(async () => {
  await store.close();
});

/** A list of all spaces is as long as they are many. */
const isOfAllSpaces = (sql: string): boolean => sql === "SELECT name FROM spaces ORDER BY name";

/** Everything that a store can do, once. */
const useEverything = async (): Promise<void> => {
  const many = Array.from({ length: 40 }, (_, index) => write(`k${index}`, at(index), { index }));
  await pushTo(store, [...many, refused("bad_key", "")]);
  await pushTo(store, [
    write("k0", at(99), null),
    write("k1", at(0), {}),
    write("a", at(1), {}, { collection: ledger }),
    write("a", at(1), {}, { collection: batches }),
  ]);
  await pullRun(store, { tombstones: true, recordsMax: 3 });
  await store.purge(space, at(999));
  await store.beginEpoch(null);
  expect(await store.listSpaces()).toEqual([space]);
  expect(await store.describeSpace(space)).not.toBeNull();
  await store.listEvidence(space, { collection: readings, key: null, limit: 9 });
  await store.listEvidence(space, { collection: readings, key: "k1", limit: 9 });
  await store.listRejections(space, { clientId: null, limit: 9 });
  await store.listHistory(space, { collection: ledger, key: "a", beforeSeq: null, limit: 9 });
  const snapshot = await store.openSnapshot(space);
  await snapshot.lookup(readings, ["k1"]);
  for (const afterSeq of [0, 1]) {
    const chunks = snapshot.liveByStamp(readings, { afterStamp: at(1), afterSeq });
    for await (const chunk of chunks) expect(chunk.length).toBeGreaterThan(0);
  }
  await snapshot.close();
  await pushTo(store, [write("a", at(1), {})], { space: otherSpace });
  await store.eraseSpace(otherSpace);
  listen();
};

const planOf = (sql: string): readonly string[] =>
  database
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map((row) => String(row["detail"]));

/** Statements that only an opening runs may take their time. */
const isOfOpening = (sql: string): boolean =>
  ["sqlite_schema", "declared", "DISTINCT"].some((part) => sql.includes(part)) ||
  sql.startsWith("PRAGMA");

test("no statement looks through a whole table", async () => {
  await useEverything();
  const hot = [...prepared]
    .filter((sql) => /SELECT|UPDATE|DELETE/.test(sql) && !isOfOpening(sql))
    .filter((sql) => !isOfAllSpaces(sql));
  expect(hot.length).toBeGreaterThan(20);
  // What a request names, and what a subquery has just found, is gone through.
  const scanning = hot.filter((sql) =>
    planOf(sql).some((step) => /^SCAN (?!wanted|CONSTANT ROW|moved)/.test(step)),
  );
  expect(scanning).toEqual([]);
});

test("the spaces are listed from their index alone, in its order", () => {
  expect(planOf("SELECT name FROM spaces ORDER BY name").join("; ")).toMatch(
    /^SCAN spaces USING COVERING INDEX \S+$/,
  );
});

test("only what changed since a cursor, read by stamp, is sorted; and what is kept of one record", async () => {
  await useEverything();
  const sorting = [...prepared].filter(
    (sql) =>
      /SELECT|UPDATE|DELETE/.test(sql) &&
      !isOfOpening(sql) &&
      planOf(sql).some((step) => step.includes("TEMP B-TREE")),
  );
  const indexes = sorting.flatMap((sql) => /INDEXED BY \w+/.exec(sql) ?? []);
  expect(indexes.toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "INDEXED BY evidence_by_version",
    "INDEXED BY evidence_by_version",
    "INDEXED BY records_by_seq",
  ]);
});

test.each([
  ["value IS NOT NULL AND seq > ? ORDER BY seq", "records_by_seq (collection=? AND seq>?)"],
  ["value IS NULL AND seq > ? ORDER BY seq", "tombstones_by_seq (collection=? AND seq>?)"],
  [
    "NOT NULL AND stamp > ? ORDER BY stamp DESC, key",
    "records_by_stamp (collection=? AND stamp>?)",
  ],
  ["seq > ? AND stamp > ?", "records_by_seq (collection=? AND seq>?)"],
  ["wanted CROSS JOIN", "records_by_key (collection=? AND key=?)"],
  ["records_by_key WHERE collection = ? AND key = ?", "records_by_key (collection=? AND key=?)"],
  ["value IS NULL AND seq > ? ORDER BY seq LIMIT", "tombstones_by_seq (collection=? AND seq>?)"],
  ["ORDER BY seq DESC LIMIT 1", "tombstones_by_seq (collection=?)"],
  ["SELECT max(stamp)", "records_by_stamp (collection=?)"],
  ["DELETE FROM records WHERE id IN", "records_by_key (collection=?)"],
  ["DELETE FROM history WHERE id IN", "history_by_seq (collection=?)"],
  ["FROM evidence INDEXED BY evidence_by_collection WHERE collection = ? LIMIT", "(collection=?)"],
  ["kept_at < ? LIMIT", "evidence_by_age (kept_at<?)"],
  [
    "history_by_seq WHERE collection = ? AND key",
    "history_by_seq (collection=? AND key=? AND seq<?)",
  ],
  ["FROM rejections", "rejections_by_space (space=?)"],
])("… %s uses %s", async (part, index) => {
  await useEverything();
  const found = [...prepared].filter((sql) => sql.includes(part));
  expect(found.length).toBeGreaterThan(0);
  expect(found.filter((sql) => !planOf(sql).join("; ").includes(index))).toEqual([]);
});
