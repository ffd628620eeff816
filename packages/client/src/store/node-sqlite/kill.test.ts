import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dump } from "../client-store-harness.contract.ts";
import { openNodeSqliteStore } from "./open-node-sqlite-store.ts";

const ROUNDS = 12;
const program = join(import.meta.dirname, "../../../scripts/write-until-killed.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-client-kill-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const lastNoted = (notes: string): number => {
  const text = existsSync(notes) ? readFileSync(notes, "utf8") : "";
  return Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
};

/** The same moments in every run, as far as moments can be. */
const chance = (round: number): number => (round * 0.618_033_988) % 1;

/** Runs the program over the data and kills it in the middle of its work, or while it opens. */
const runAndKill = async (path: string, notes: string, round: number): Promise<void> => {
  const durability = round % 2 === 0 ? "strict" : "relaxed";
  const child = spawn(process.execPath, ["--conditions=source", program, path, notes, durability], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (text: Buffer) => (complaints += String(text)));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on("exit", (_, signal) => resolve(signal));
  });
  const before = lastNoted(notes);
  const isEarly = round % 5 === 4;
  const hasBegun = (): boolean => isEarly || lastNoted(notes) !== before || child.exitCode !== null;
  while (!hasBegun()) await wait(2);
  await wait(isEarly ? 60 + chance(round) * 200 : chance(round) * 250);
  child.kill("SIGKILL");
  const signal = await ended;
  if (signal !== "SIGKILL") throw new Error(`it ended before it was killed: ${complaints}`);
};

test(
  `kill -9 in the middle of transactions, ${ROUNDS} times: what was answered is there, and none is half there`,
  { timeout: 120_000 },
  async () => {
    const path = join(folder, "store.db");
    const notes = join(folder, "notes");
    for (let round = 0; round < ROUNDS; round += 1) {
      await runAndKill(path, notes, round);
      const store = await openNodeSqliteStore({ path, createClientId: () => "c_2" });
      const { meta, records, entries } = await dump(store);
      await store.close();
      const noted = lastNoted(notes);
      const { generation } = meta;
      // The last one may have been durable before it was noted.
      expect(generation - noted).toBeGreaterThanOrEqual(0);
      expect(generation - noted).toBeLessThanOrEqual(1);
      expect(records.map(({ seq, mark }) => [seq, mark])).toEqual(
        Array.from({ length: 10 }, () => [generation, generation]),
      );
      expect(entries.map(({ key }) => key)).toEqual(
        Array.from({ length: generation }, (_, index) => `e${index + 1}`),
      );
      expect(meta.nextEntryId).toBe(generation + 1);
      expect(meta.clientId).toBe("c_1");
      const database = new DatabaseSync(path, { readOnly: true });
      expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
      database.close();
    }
    expect(lastNoted(notes)).toBeGreaterThan(ROUNDS * 5);
  },
);

test("a file that another process has open is refused, and free once that process is dead", async () => {
  const path = join(folder, "store.db");
  const notes = join(folder, "notes");
  const child = spawn(process.execPath, ["--conditions=source", program, path, notes], {
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  while (!(lastNoted(notes) > 0) && child.exitCode === null) await wait(5);
  const options = { path, createClientId: () => "c_2" };
  await expect(openNodeSqliteStore(options)).rejects.toMatchObject({
    code: "already_open",
    message: expect.stringContaining(path),
  });
  child.kill("SIGKILL");
  await ended;
  const store = await openNodeSqliteStore(options);
  expect((await dump(store)).meta.clientId).toBe("c_1");
  await store.close();
});
