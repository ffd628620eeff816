import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import type { CollectionName, SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  ledger,
  only,
  pullRun,
  readings,
  recomputeDigests,
  TestClock,
} from "../store-harness.contract.ts";
import type { Store } from "../store.ts";
import { databasePath } from "./data-directory.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";

const ROUNDS = 30;
const program = join(import.meta.dirname, "../../../scripts/push-until-killed.ts");
const collections = only(readings, ledger);

type Sent = readonly [CollectionName, key: string, stamp: string, value: string | null];
type Acked = readonly [...Sent, seq: number, kind: string];
type Note = {
  readonly sent?: readonly Sent[];
  readonly acked?: readonly Acked[];
  readonly space?: SpaceId;
  readonly fatal?: string;
};

let dataDir: string;
let notesFile: string;

beforeEach(() => {
  dataDir = createDataDir();
  notesFile = join(dataDir, "notes");
});

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const notesLength = (): number => statSync(notesFile, { throwIfNoEntry: false })?.size ?? 0;

/** From 0 to 1; the same moments in every run, as far as moments can be. */
const chance = (round: number): number => (round * 0.618_033_988) % 1;

/** Kills the program some time after it has begun, or after it has opened the store. */
const runAndKill = async (round: number): Promise<void> => {
  const child = spawn(
    process.execPath,
    ["--conditions=source", program, dataDir, notesFile, String(round)],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => (complaints += String(text)));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on("exit", (_, signal) => resolve(signal));
  });
  // Every fifth dies while it opens; the others at any moment of their work.
  const isEarly = round % 5 === 4;
  const before = notesLength();
  const hasBegun = (): boolean => isEarly || notesLength() > before || child.exitCode !== null;
  while (!hasBegun()) await wait(2);
  await wait(isEarly ? 60 + chance(round) * 240 : chance(round) * 350);
  child.kill("SIGKILL");
  const signal = await ended;
  if (signal !== "SIGKILL") throw new Error(`it ended before it was killed: ${complaints}`);
};

/** What the notes say in all, read as they grow. */
class Ledger {
  readonly sent = new Set<string>();
  /** The newest acknowledged version of each record: what was before it, it stands for. */
  readonly newest = new Map<SpaceId, Map<string, Acked>>();
  /** Of the last round alone. */
  applied: (readonly [SpaceId, Acked])[] = [];
  count = 0;
  #offset = 0;

  readOn(): void {
    this.applied = [];
    const text = existsSync(notesFile) ? readFileSync(notesFile) : Buffer.alloc(0);
    const lines = text.subarray(this.#offset).toString().split("\n");
    this.#offset = text.length;
    // The last line of a round may have been cut.
    for (const line of lines) if (line.endsWith("}")) this.#add(JSON.parse(line) as Note);
  }

  #add({ sent = [], acked = [], space, fatal }: Note): void {
    if (fatal !== undefined) throw new Error(`the store gave up: ${fatal}`);
    for (const version of sent) this.sent.add(JSON.stringify(version));
    this.count += acked.length;
    for (const version of acked) {
      const [collection, key, stamp, , , kind] = version;
      const newest = this.newest.get(space!) ?? new Map<string, Acked>();
      this.newest.set(space!, newest);
      const known = newest.get(`${collection} ${key}`);
      if (known === undefined || known[2] < stamp) newest.set(`${collection} ${key}`, version);
      if (kind === "applied") this.applied.push([space!, version]);
    }
  }
}

/** Every acknowledged change must be there, or have given way to one with a greater stamp that was sent. */
const checkSpace = async (store: Store, space: SpaceId, notes: Ledger): Promise<void> => {
  const { records, pages } = await pullRun(store, { space, tombstones: true });
  const last = pages.at(-1);
  expect(last?.digests).toEqual(recomputeDigests(records, collections.keys()));
  expect(records.at(-1)?.seq ?? 0).toBe(last?.head);
  const unsent = records.filter(
    ({ collection, key, stamp, value }) =>
      !notes.sent.has(JSON.stringify([collection, key, stamp, value])),
  );
  expect(unsent).toEqual([]);
  const stored = new Map(records.map((record) => [`${record.collection} ${record.key}`, record]));
  for (const [id, [, , stamp, value, seq]] of notes.newest.get(space) ?? []) {
    const record = stored.get(id);
    if (record === undefined) throw new Error(`lost: ${id} of seq ${seq}`);
    if (record.stamp < stamp) throw new Error(`lost: ${id} of seq ${seq}`);
    const isSame = record.stamp === stamp && record.seq === seq && record.value === value;
    const isLater = record.stamp > stamp && record.seq > seq;
    if (!isSame && !isLater) throw new Error(`half there: ${id} of seq ${seq}`);
  }
};

/** Each version that was acknowledged in the last round is in the history too. */
const checkHistory = async (store: Store, notes: Ledger): Promise<void> => {
  const inLedger = notes.applied.filter(([, [collection]]) => collection === ledger);
  for (const [space, [collection, key, stamp, value, seq]] of inLedger) {
    const of = { collection, key, beforeSeq: seq + 1, limit: 1 };
    expect(await store.listHistory(space, of)).toMatchObject([{ seq, stamp, value }]);
  }
};

const openStore = (): Promise<Store> =>
  openSqliteStore({
    runtime: new TestClock().runtime,
    collections,
    limits: defaultLimits,
    dataDir,
    writer: "inline",
    bytesMax: null,
    onFatal,
  });

test(
  `[PUSH-6] [STORE-2] kill -9 in the middle of pushes, ${ROUNDS} times: no acknowledged change is lost, none is half there`,
  { timeout: 180_000 },
  async () => {
    const notes = new Ledger();
    for (let round = 0; round < ROUNDS; round += 1) {
      await runAndKill(round);
      notes.readOn();
      const store = await openStore();
      for (const space of ["shop-0", "shop-1", "shop-2"]) {
        await checkSpace(store, space as SpaceId, notes);
      }
      await checkHistory(store, notes);
      await store.close();
      const database = new DatabaseSync(databasePath(dataDir), { readOnly: true });
      expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
      database.close();
    }
    expect(notes.count).toBeGreaterThan(ROUNDS * 100);
  },
);
