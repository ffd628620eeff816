import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ledger, only, pullRun, readings, TestClock } from "../store-harness.contract.ts";
import { buildFsyncShim } from "./fsync-shim.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";
import { createDataDir, onFatal } from "./sqlite-harness.contract.ts";

const program = join(import.meta.dirname, "../../../scripts/push-until-killed.ts");

type Note = {
  readonly at: string;
  readonly sent?: readonly unknown[];
  readonly acked?: readonly (readonly [collection: string, key: string, stamp: string])[];
  readonly fatal?: string;
};

let shim: string;
let dataDir: string;
let child: ChildProcess | null = null;
const fileOf = (name: string): string => join(dataDir, name);

beforeEach(() => {
  dataDir = createDataDir();
});

afterEach(() => {
  child?.kill("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

const linesOf = (name: string): readonly string[] =>
  existsSync(fileOf(name)) ? readFileSync(fileOf(name), "utf8").split("\n").slice(0, -1) : [];

const readNotes = (): readonly Note[] => linesOf("notes").map((line) => JSON.parse(line) as Note);

const countAcked = (): number => readNotes().filter(({ acked }) => acked !== undefined).length;

/** Starts a program that pushes one change after another, over a disk that the shim stands in for. */
const startPushing = (more: NodeJS.ProcessEnv): ChildProcess =>
  spawn(process.execPath, ["--conditions=source", program, dataDir, fileOf("notes"), "1"], {
    stdio: "ignore",
    env: { ...process.env, LD_PRELOAD: shim, CLIENTS: "1", BATCH_MAX: "1", ...more },
  });

describe.skipIf(process.platform !== "linux")("over a shim in LD_PRELOAD, so on Linux only", () => {
  beforeAll(() => {
    shim = buildFsyncShim();
  });

  afterAll(() => {
    rmSync(dirname(shim), { recursive: true, force: true });
  });

  test("[STORE-2] every answer comes after a sync that began after its request", async () => {
    child = startPushing({ FSYNC_LOG: fileOf("syncs"), FSYNC_MS: "2" });
    while (countAcked() < 200) await wait(20);
    child.kill("SIGKILL");
    const syncs = linesOf("syncs").map(BigInt);
    const notes = readNotes();
    let checked = 0;
    for (const [index, { at, acked }] of notes.entries()) {
      if (acked === undefined) continue;
      const sentAt = BigInt(notes[index - 1]?.at ?? "0");
      // A sync takes 2 ms here: one that returned within this time and no sooner began within it.
      const within = syncs.filter((end) => end >= sentAt + 2_000_000n && end <= BigInt(at));
      expect(within.length, `the answer to push ${checked}`).toBeGreaterThan(0);
      checked += 1;
    }
    expect(checked).toBeGreaterThanOrEqual(200);
  });

  test("[STORE-7] a sync that fails is never acknowledged, and the store says so and gives up", async () => {
    child = startPushing({ FSYNC_FAIL_FILE: fileOf("fail") });
    const ended = new Promise<number | null>((resolve) => {
      child?.on("exit", (code) => resolve(code));
    });
    while (countAcked() < 20) await wait(5);
    writeFileSync(fileOf("fail"), "");
    // The program ends itself, with this code, when it is told that the store is beyond use.
    expect(await ended).toBe(70);
    const notes = readNotes();
    expect(notes.at(-1)?.fatal).toMatch(/disk I\/O error/);
    expect(notes.at(-2)?.sent, "the last push was never answered").toBeDefined();

    const store = await openSqliteStore({
      runtime: new TestClock().runtime,
      collections: only(readings, ledger),
      limits: defaultLimits,
      dataDir,
      writer: "inline",
      bytesMax: null,
      onFatal,
    });
    const { records } = await pullRun(store, { space: "shop-0" as SpaceId, tombstones: true });
    await store.close();
    const stored = new Map(
      records.map(({ collection, key, stamp }) => [`${collection} ${key}`, stamp]),
    );
    const acked = notes.flatMap((note) => note.acked ?? []);
    expect(acked.length).toBeGreaterThanOrEqual(20);
    for (const [collection, key, stamp] of acked) {
      expect((stored.get(`${collection} ${key}`) ?? "") >= stamp).toBe(true);
    }
  });
});
