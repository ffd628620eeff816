// A program for tests to kill: opens a store in a thread of its own, pushes from many clients, and
// notes in a file what it is about to send and what was acknowledged.
//
//   node --conditions=source packages/server/scripts/push-until-killed.ts DATA_DIR NOTES_FILE ROUND
//
// Each note is one line of JSON: {"open":EPOCH}, {"sent":[[collection,key,stamp,value],…]} before a
// push, {"acked":[[collection,key,stamp,value,seq],…]} after it, {"fatal":MESSAGE} when the store
// gives up. Times are in nanoseconds of the monotonic clock, as text.
import { appendFileSync } from "node:fs";
import {
  type CollectionName,
  parseStamp,
  type SpaceId,
  type Stamp,
  type WriteChange,
} from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { openSqliteStore } from "../src/store/sqlite/open-sqlite-store.ts";
import { systemRuntime } from "../src/system-runtime.ts";

const [dataDir = "", notesFile = "", roundText = "0"] = process.argv.slice(2);
const clients = Number(process.env["CLIENTS"] ?? 12);
const batchMax = Number(process.env["BATCH_MAX"] ?? 60);
const round = Number(roundText);

const note = (line: object): void =>
  appendFileSync(
    notesFile,
    `${JSON.stringify({ ...line, at: String(process.hrtime.bigint()) })}\n`,
  );

const store = await openSqliteStore({
  runtime: systemRuntime,
  collections: new Map(
    ["readings", "ledger"].map((name) => [
      name as CollectionName,
      { merge: "last-write", keepsHistory: name === "ledger" },
    ]),
  ),
  limits: defaultLimits,
  dataDir,
  writer: "worker",
  bytesMax: null,
  onFatal: (error) => {
    note({ fatal: error.message });
    process.exit(70);
  },
});
note({ open: store.epoch });

let made = 0;

/** Stamps ascend over all rounds, so a stored version tells whether it is older than an acknowledged one. */
const createChange = (client: number): WriteChange => {
  made += 1;
  const collection = (made % 3 === 0 ? "ledger" : "readings") as CollectionName;
  const micros = String(made).padStart(6, "0");
  const minute = String(round).padStart(2, "0");
  return {
    kind: "write",
    collection,
    key: `c${client}-${made % 97}`,
    stamp: parseStamp(`2026-11-24T10:${minute}:00.${micros}Z`) ?? ("" as Stamp),
    base: null,
    author: null,
    value: made % 11 === 0 ? null : JSON.stringify({ round, made, text: "x".repeat(made % 400) }),
    fieldState: null,
  };
};

const pushEndlessly = async (client: number): Promise<never> => {
  for (let count = 0; ; count += 1) {
    const size = 1 + ((count * 7 + client) % batchMax);
    const changes = Array.from({ length: size }, () => createChange(client));
    const sent = changes.map(({ collection, key, stamp, value }) => [
      collection,
      key,
      stamp,
      value,
    ]);
    note({ sent });
    const outcome = await store.push({
      space: `shop-${client % 3}` as SpaceId,
      changes,
      checksClocks: false,
      clientId: `client-${client}`,
      now: systemRuntime.now(),
    });
    if (outcome.kind !== "committed") throw new Error("the disk is full");
    const acked = outcome.results.map((result, index) => [
      ...(sent[index] ?? []),
      result.kind === "rejected" ? null : result.seq,
      result.kind,
    ]);
    note({ acked, space: `shop-${client % 3}` });
  }
};

await Promise.all(Array.from({ length: clients }, (_, client) => pushEndlessly(client)));
