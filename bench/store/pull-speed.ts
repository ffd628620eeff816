// How fast a store is read: a first sync page by page, a poll with nothing new, and all live
// records by stamp, beside a writer that rests.
//
//   node --conditions=source bench/store/pull-speed.ts
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addMicros, type CollectionName, type CursorPosition, type SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { openSqliteStore } from "../../packages/server/src/store/sqlite/open-sqlite-store.ts";
import { systemRuntime } from "../../packages/server/src/system-runtime.ts";

const RECORDS = 200_000;
const BATCH = 1_000;
const space = "shop-1" as SpaceId;
const readings = "readings" as CollectionName;
const begun = systemRuntime.now();

const dataDir = mkdtempSync(join(tmpdir(), "synchro-bench-"));
const store = await openSqliteStore({
  runtime: systemRuntime,
  collections: new Map([[readings, { merge: "last-write", keepsHistory: false }]]),
  limits: defaultLimits,
  dataDir,
  writer: "worker",
  bytesMax: null,
  onFatal: (error) => {
    throw error;
  },
});

const report = (what: string, count: number, since: number): void => {
  const seconds = (systemRuntime.monotonicMs() - since) / 1_000;
  process.stdout.write(`${what}: ${Math.round(count / seconds)}/s\n`);
};

for (let first = 0; first < RECORDS; first += BATCH) {
  const changes = Array.from({ length: BATCH }, (_, index) => ({
    kind: "write" as const,
    collection: readings,
    key: String(10_000_000_000_000 + first + index),
    stamp: addMicros(begun, first + index),
    base: null,
    author: { name: "device-1", verified: true },
    value: JSON.stringify({ expiration_date: "2026-12-01", quantity: index, location: "A-17" }),
    fieldState: null,
  }));
  await store.push({ space, changes, checksClocks: true, clientId: "bench", now: begun });
}

const pullFrom = (cursor: CursorPosition | null) =>
  store.pull({
    space,
    cursor,
    ack: null,
    collections: null,
    tombstones: false,
    recordsMax: 1_000,
    bytesMax: defaultLimits.pageBytesMax,
    told: new Set(),
  });

let cursor: CursorPosition | null = null;
let since = systemRuntime.monotonicMs();
for (let more = true; more;) {
  const page = await pullFrom(cursor);
  ({ more } = page);
  cursor = page.position;
}
report("first sync, pages of 1,000: records", RECORDS, since);

since = systemRuntime.monotonicMs();
for (let count = 0; count < 20_000; count += 1) await pullFrom(cursor);
report("nothing new: pulls", 20_000, since);

since = systemRuntime.monotonicMs();
const snapshot = await store.openSnapshot(space);
let read = 0;
for await (const chunk of snapshot.liveByStamp(readings, { afterStamp: null, afterSeq: 0 })) {
  read += chunk.length;
}
await snapshot.close();
report("all live, newest stamp first: records", read, since);

await store.close();
rmSync(dataDir, { recursive: true });
