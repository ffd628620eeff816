import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { controlPath, openSqliteControlStore } from "./open-sqlite-control-store.ts";

const program = join(import.meta.dirname, "../../../scripts/control-until-killed.ts");

let dataDir: string;
let notesFile: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "synchro-control-"));
  notesFile = join(dataDir, "notes");
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

type Run = {
  readonly kill: () => void;
  readonly ended: Promise<{ readonly signal: string | null; readonly stderr: string }>;
};

const run = (name: string, count: number): Run => {
  const child = spawn(
    process.execPath,
    ["--conditions=source", program, dataDir, notesFile, name, String(count)],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let stderr = "";
  child.stderr.on("data", (text: Buffer) => (stderr += String(text)));
  const ended = new Promise<{ signal: string | null; stderr: string }>((resolve) => {
    child.on("close", (_, signal) => resolve({ signal, stderr }));
  });
  return { kill: () => void child.kill("SIGKILL"), ended };
};

type Note = { readonly open?: string; readonly space?: string; readonly device?: string };

/** What was acknowledged; the last line of a run that was killed may have been cut. */
const readNotes = (): readonly Note[] =>
  existsSync(notesFile)
    ? readFileSync(notesFile, "utf8")
        .split("\n")
        .filter((line) => line.endsWith("}"))
        .map((line) => JSON.parse(line) as Note)
    : [];

/** Holds the data against the notes: all that was acknowledged is there, and everything has its one entry. */
const check = async (): Promise<{ readonly spaces: number }> => {
  const store = await openSqliteControlStore({ dataDir });
  const spaces = (await store.listSpaces()).map(({ id }) => String(id));
  const devices = (await store.listDevices(null)).map(({ id }) => String(id));
  const log = await store.listAudit({ space: null, before: null, limit: 100_000 });
  const targetsOf = (action: string): readonly string[] =>
    log.filter((entry) => entry.action === action).map(({ target }) => target);
  expect(targetsOf("space.create").toSorted()).toEqual(spaces.toSorted());
  expect(targetsOf("device.admit").toSorted()).toEqual(devices.toSorted());
  for (const { space, device } of readNotes()) {
    if (space !== undefined) expect(spaces).toContain(space);
    if (device !== undefined) expect(devices).toContain(device);
  }
  const numbers = log.map(({ number }) => number);
  expect(new Set(numbers).size).toBe(numbers.length);
  await store.close();
  const database = new DatabaseSync(controlPath(dataDir));
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  database.close();
  return { spaces: spaces.length };
};

test("four processes make the file together and write it at once: none is refused, nothing is lost", async () => {
  const count = 25;
  const runs = ["a", "b", "c", "d"].map((name) => run(name, count));
  for (const { ended } of runs) expect(await ended).toEqual({ signal: null, stderr: "" });
  expect(await check()).toEqual({ spaces: 4 * count });
  expect(readNotes().filter(({ device }) => device !== undefined)).toHaveLength(4 * count);
}, 60_000);

test("[AUDIT-1] killed at any moment: what was acknowledged is there, and each action with its entry or not at all", async () => {
  const notesLength = (): number => statSync(notesFile, { throwIfNoEntry: false })?.size ?? 0;
  for (let round = 0; round < 10; round += 1) {
    const before = notesLength();
    const { kill, ended } = run(`r${round}`, 100_000);
    while (notesLength() === before) await wait(2);
    await wait((round * 61.803_398) % 100);
    kill();
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    await check();
  }
  expect(readNotes().filter(({ device }) => device !== undefined).length).toBeGreaterThan(10);
}, 60_000);
