// How fast pushes are, and how free the event loop stays beside them, with the writer on the main
// thread and in a thread of its own, on this disk as it is and with each sync 10 ms slower.
//
//   node --conditions=source bench/store/writer-placement.ts
//
// Needs gcc, for the shim that slows the syncs. Each line is measured in a process of its own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { CollectionName, SpaceId, Stamp, WriteChange } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { buildFsyncShim } from "../../packages/server/src/store/sqlite/fsync-shim.ts";
import { openSqliteStore } from "../../packages/server/src/store/sqlite/open-sqlite-store.ts";
import type { Store } from "../../packages/server/src/store/store.ts";
import { systemRuntime } from "../../packages/server/src/system-runtime.ts";

type Placement = "inline" | "worker";
/**
 * Keys that ascend are added at one end of the index by key; keys in no order touch about one page
 * of it each, and every page touched is written and synced whole.
 */
type Load = {
  readonly clients: number;
  readonly batch: number;
  readonly keys: "ascending" | "in no order";
};

const loads: readonly Load[] = [
  { clients: 64, batch: 1, keys: "in no order" },
  { clients: 1, batch: 1, keys: "in no order" },
  { clients: 1, batch: 500, keys: "ascending" },
  { clients: 1, batch: 500, keys: "in no order" },
  { clients: 4, batch: 500, keys: "in no order" },
];
const secondsEach = Number(process.env["SECONDS"] ?? 4);
const readings = "readings" as CollectionName;

type Figures = {
  readonly pushesPerS: number;
  readonly recordsPerS: number;
  readonly recordsPerCommit: number;
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
};

// Made beforehand: what it takes to make changes is no part of what is measured.
const MICROS_MAX = 1_000_000;
const begun = systemRuntime.now();
const values = Array.from({ length: 100 }, (_, quantity) =>
  JSON.stringify({ expiration_date: "2026-12-01", quantity, location: "A-17" }),
);
const author = { name: "device-1", verified: true };

let made = 0;
const createChange = (keys: Load["keys"]): WriteChange => {
  made += 1;
  // Never the same, in either order: the product is a bijection of 48 bits.
  const number =
    keys === "ascending" ? made : Number((BigInt(made) * 0x9e3779b97f4bn) & 0xffffffffffffn);
  return {
    kind: "write",
    collection: readings,
    key: String(10_000_000_000_000 + number),
    // In the order of time, as edits are.
    stamp:
      `${begun.slice(0, 17)}${String(10 + Math.floor(made / MICROS_MAX))}.${String(made % MICROS_MAX).padStart(6, "0")}Z` as Stamp,
    base: null,
    author,
    value: values[made % 100] ?? null,
    fieldState: null,
  };
};

const runClient = async (store: Store, load: Load, until: number): Promise<number> => {
  let pushes = 0;
  while (systemRuntime.monotonicMs() < until) {
    const outcome = await store.push({
      space: "shop-1" as SpaceId,
      changes: Array.from({ length: load.batch }, () => createChange(load.keys)),
      checksClocks: true,
      clientId: "bench",
      now: systemRuntime.now(),
    });
    if (outcome.kind !== "committed" || outcome.changed !== load.batch) throw new Error("not new");
    pushes += 1;
  }
  return pushes;
};

const countSyncs = (): number =>
  readFileSync(process.env["FSYNC_LOG"] ?? "", "utf8").split("\n").length - 1;

const measure = async (writer: Placement, load: Load): Promise<Figures> => {
  const dataDir = mkdtempSync(join(tmpdir(), "synchro-bench-"));
  const store = await openSqliteStore({
    runtime: systemRuntime,
    collections: new Map([[readings, { merge: "last-write", keepsHistory: false }]]),
    limits: defaultLimits,
    dataDir,
    writer,
    bytesMax: null,
    onFatal: (error) => {
      throw error;
    },
  });
  const clients = Array.from({ length: load.clients }, (_, index) => index);
  const run = async (seconds: number): Promise<number> => {
    const until = systemRuntime.monotonicMs() + seconds * 1_000;
    const pushes = await Promise.all(clients.map(() => runClient(store, load, until)));
    return pushes.reduce((sum, count) => sum + count, 0);
  };
  await run(1);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const syncsBefore = countSyncs();
  const begunMs = systemRuntime.monotonicMs();
  delay.enable();
  const pushes = await run(secondsEach);
  delay.disable();
  const seconds = (systemRuntime.monotonicMs() - begunMs) / 1_000;
  const commits = countSyncs() - syncsBefore;
  await store.close();
  rmSync(dataDir, { recursive: true });
  // The histogram holds whole intervals: the resolution is not delay.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1);
  return {
    pushesPerS: pushes / seconds,
    recordsPerS: (pushes * load.batch) / seconds,
    recordsPerCommit: (pushes * load.batch) / commits,
    loopDelayMs: {
      p50: late(delay.percentile(50)),
      p99: late(delay.percentile(99)),
      max: late(delay.max),
    },
  };
};

const measureApart = (shim: string, fsyncMs: number, writer: Placement, load: Load): Figures => {
  const log = join(mkdtempSync(join(tmpdir(), "synchro-bench-log-")), "syncs");
  const child = spawnSync(
    process.execPath,
    ["--conditions=source", import.meta.filename, writer, JSON.stringify(load)],
    {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, LD_PRELOAD: shim, FSYNC_MS: String(fsyncMs), FSYNC_LOG: log },
    },
  );
  rmSync(dirname(log), { recursive: true });
  if (child.status !== 0) throw new Error(`the run ended with ${child.status ?? child.signal}`);
  return JSON.parse(child.stdout) as Figures;
};

const [writer, load] = process.argv.slice(2);
if (writer === "inline" || writer === "worker") {
  const figures = await measure(writer, JSON.parse(load ?? "") as Load);
  process.stdout.write(JSON.stringify(figures));
} else {
  const shim = buildFsyncShim();
  const rows: string[] = [
    "| sync | clients x batch | keys | writer | pushes/s | records/s | records a sync | loop delay p50 / p99 / max ms |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  for (const fsyncMs of [0, 10]) {
    for (const each of loads) {
      for (const placement of ["inline", "worker"] as const) {
        const { pushesPerS, recordsPerS, recordsPerCommit, loopDelayMs } = measureApart(
          shim,
          fsyncMs,
          placement,
          each,
        );
        const { p50, p99, max } = loopDelayMs;
        rows.push(
          `| ${fsyncMs === 0 ? "as it is" : `+${fsyncMs} ms`} | ${each.clients} x ${each.batch} | ${each.keys} | ${placement} | ${Math.round(pushesPerS)} | ${Math.round(recordsPerS)} | ${recordsPerCommit.toFixed(1)} | ${p50.toFixed(1)} / ${p99.toFixed(1)} / ${max.toFixed(1)} |`,
        );
      }
    }
  }
  rmSync(dirname(shim), { recursive: true });
  process.stdout.write(`${rows.join("\n")}\n`);
}
