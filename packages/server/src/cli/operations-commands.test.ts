import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inspectFolder } from "../compose-operations.ts";
import { openControl } from "../compose-control.ts";
import { type Ended, startCli, startServerProcess } from "./cli-process.fixture.ts";

let folder: string;
let data: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-operations-cli-"));
  data = join(folder, "data");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]): Promise<Ended> => startCli(args, { cwd: folder }).ended;

/** What went wrong, in one line. */
const refusalOf = async (code: number, ...args: readonly string[]): Promise<string> => {
  const ended = await run(...args);
  expect({ args, code: ended.code, stdout: ended.stdout }).toEqual({ args, code, stdout: "" });
  const line = /^synchro: ([^\n]+)\n$/.exec(ended.stderr)?.[1];
  if (line === undefined) throw new Error(`not one line: ${ended.stderr}`);
  return line;
};

/** Fills two spaces with a few records each. */
const fill = async (): Promise<void> => {
  writeFileSync(
    join(folder, "in.ndjson"),
    ["a", "b"]
      .map((key) => JSON.stringify({ key, value: { expiration_date: "2026-12-01" } }))
      .join("\n"),
  );
  for (const space of ["malmo-1", "malmo-2"]) {
    expect(await run("import", "in.ndjson", "--space", space)).toMatchObject({ code: 0 });
  }
};

const actions = async (): Promise<readonly string[]> => {
  const control = await openControl({ kind: "folder", folder: data });
  const entries = await control.listAudit({ space: null, before: null, limit: 20 });
  await control.close();
  return entries.map(({ action, target, actor }) => {
    expect(actor).toMatch(/^cli:.+@.+$/);
    return `${action} ${target}`;
  });
};

describe("what can't be understood is told in one line, with 2", () => {
  test.each([
    [["backup"], "give the FILE to make, or --verify FILE to check one"],
    [["backup", "b", "--verify", "b"], "give the FILE to make, or --verify FILE"],
    [["restore"], "FILE is missing (backup to take)"],
    [["restore", "b", "--finally"], "--finally is not a flag of restore: did you mean --final?"],
    [["purge"], "--older-than is missing"],
    [["purge", "--older-than", "90"], "--older-than must be a span such as 30s, 15m, 12h or 90d"],
    [["epoch", "new", "--space", "Malmö"], "--space must be the id of a space"],
    [["epoch", "old"], "epoch old is not a command: did you mean epoch new?"],
    [["space", "erase", "malmo-1"], "to erase malmo-1 for good, add --yes"],
    [["status", "--url", "http://a", "--data", "b"], "--data and --url exclude each other"],
    [["doctor", "--depp"], "--depp is not a flag of doctor: did you mean --deep?"],
  ])("%j", async (args, told) => {
    expect(await refusalOf(2, ...args)).toContain(told);
    expect(existsSync(data)).toBe(false);
  });
});

describe("where there are no data, each says so, and makes none", () => {
  test.each([
    [["backup", "b"]],
    [["purge", "--older-than", "1d"]],
    [["epoch", "new"]],
    [["space", "erase", "malmo-1", "--yes"]],
    [["status"]],
  ])("%j", async (args) => {
    expect(await refusalOf(1, ...args)).toContain("there is no database in ");
    expect(existsSync(data)).toBe(false);
  });
});

test("what writes leaves data alone that a server has open; what reads does not mind", async () => {
  await fill();
  const server = await startServerProcess([], { cwd: folder });
  for (const args of [
    ["purge", "--older-than", "1d"],
    ["epoch", "new"],
    ["space", "erase", "malmo-1", "--yes"],
  ]) {
    expect(await refusalOf(1, ...args)).toContain("is open in another process");
  }
  expect(await run("backup", "b")).toMatchObject({ code: 0, stderr: "" });
  expect(await refusalOf(1, "restore", "b", "--replace")).toContain("is open in another process");
  await server.stop();
}, 60_000);

test("a space or a server that there is not is told", async () => {
  await fill();
  expect(await refusalOf(1, "epoch", "new", "--space", "malmo-3")).toContain(
    "malmo-3 is not a space of the data",
  );
  expect(await refusalOf(1, "purge", "--older-than", "1d", "--space", "malmo-3")).toContain(
    "malmo-3 is not a space of the data",
  );
  expect(inspectFolder(data).spaces.map(({ epochs }) => epochs)).toEqual([1, 1]);
  const doctor = await run("doctor", "--url", "http://127.0.0.1:9");
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toMatch(
    /^FAIL {2}server clock {2}http:\/\/127\.0\.0\.1:9 does not answer/m,
  );
}, 60_000);

test("each is done in one space or in all, keeps what is declared, and stands in the log", async () => {
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ collections: { notes: { schema: { type: "object" } } } }),
  );
  const server = await startServerProcess(["--config", "config.json"], { cwd: folder });
  await server.stop();
  const { declared } = inspectFolder(data);
  expect(declared).toContain("notes");
  writeFileSync(join(folder, "notes.ndjson"), JSON.stringify({ key: "n", value: { n: 1 } }));
  const notes = ["--space", "malmo-1", "--collection", "notes", "--config", "config.json"];
  expect(await run("import", "notes.ndjson", ...notes)).toMatchObject({ code: 0 });
  const before = inspectFolder(data).spaces;

  const begun = await run("epoch", "new", "--space", "malmo-1");
  expect(begun.stdout).toMatch(/^A new epoch, [0-9a-f]{20}, begins in 1 space\.\n$/);
  const purged = await run("purge", "--older-than", "1s");
  expect(purged.stdout).toBe("malmo-1: 0 tombstones removed, the floor is 0.\n");
  const after = inspectFolder(data);
  expect(after.declared).toEqual(declared);
  expect(after.spaces).toMatchObject([
    { space: "malmo-1", live: 1, epochs: (before[0]?.epochs ?? 0) + 1 },
  ]);

  await run("space", "delete", "malmo-1", "--yes");
  const erased = await run("space", "erase", "malmo-1", "--yes");
  expect(erased).toMatchObject({ code: 0, stdout: "malmo-1 is erased.\n" });
  expect((await run("space", "erase", "malmo-1", "--yes")).stdout).toContain("nothing to do");
  expect(inspectFolder(data).spaces).toMatchObject([{ space: "malmo-1", live: 0, life: 1 }]);
  const control = await openControl({ kind: "folder", folder: data });
  expect((await control.listSpaces()).map(({ id }) => id)).not.toContain("malmo-1" as SpaceId);
  await control.close();

  expect(await run("backup", "b")).toMatchObject({ code: 0 });
  expect(await run("restore", "b", "--replace", "--final")).toMatchObject({ code: 0 });
  const written = await actions();
  for (const entry of [
    /^epoch\.begin /,
    /^space\.purge \*$/,
    /^space\.erase malmo-1$/,
    /^data\.restore .*\/b$/,
  ]) {
    expect(written.some((line) => entry.test(line))).toBe(true);
  }
}, 120_000);

test("nothing of a secret is in a manifest", async () => {
  await fill();
  await run("backup", "b");
  const manifest = JSON.parse(readFileSync(join(folder, "b/manifest.json"), "utf8")) as object;
  expect(Object.keys(manifest)).toEqual(["format", "synchro", "made_at", "files", "spaces"]);
});
