import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/start-test-server.ts";
import { collection } from "../collection/collection.ts";
import { t } from "../collection/t.ts";
import { openNodeSqliteStore } from "../store/node-sqlite/open-node-sqlite-store.ts";
import { createClient } from "./create-client.ts";

const ROUNDS = 50;
const program = join(import.meta.dirname, "../../testing/put-until-killed.ts");

let folder: string;
let server: TestServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-killed-"));
  server = await startTestServer();
});
afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the program, kills it after a while, and gives the last edit that it said was durable. */
const runUntilKilled = async (path: string, first: number, afterMs: number): Promise<number> => {
  const args = ["--conditions=source", program, server.url, path, String(first)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let complaints = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  while (!out.includes("\n") && child.exitCode === null) await sleep(5);
  await sleep(afterMs);
  child.kill("SIGKILL");
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  expect({ signal, complaints }).toEqual({ signal: "SIGKILL", complaints: "" });
  // The last line may be half there; those before it are whole.
  const told = out.split("\n").slice(0, -1).map(Number);
  return told.at(-1) ?? first - 1;
};

test(`[CLIENT-2] [CLIENT-12] kill -9 of a client on a disk, ${ROUNDS} times: no edit that was durable is lost, none is sent as two`, async () => {
  const path = join(folder, "client.db");
  let next = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    // From one edit to some dozens, at another moment of the work each time.
    next = (await runUntilKilled(path, next, (round * 37) % 120)) + 1;
  }
  expect(next).toBeGreaterThan(ROUNDS);
  const readings = collection("readings", {
    key: "gtin",
    fields: { gtin: t.string(), expiration_date: t.date(), quantity: t.integer().optional() },
  });
  const db = createClient({
    url: server.url,
    space: "malmo-1",
    collections: { readings },
    openStore: (options) => openNodeSqliteStore({ path, ...options }),
  });
  while ((await db.outbox.list()).length > 0) await sleep(20);
  const rows = await db.readings.get();
  const response = await fetch(`${server.url}/v2/spaces/malmo-1/changes?limit=10000`);
  const { changes } = (await response.json()) as {
    changes: { key: string; value: { quantity: number } }[];
  };
  const onServer = new Map(changes.map(({ key, value }) => [key, value.quantity]));
  for (const { gtin, quantity } of rows) expect(onServer.get(gtin)).toBe(quantity);
  // The last edit of each record that was said to be durable, or one that was not said any more.
  for (let key = 0; key < 40; key += 1) {
    const last = Math.floor((next - 1 - key) / 40) * 40 + key;
    expect(onServer.get(`k${key}`)).toBeGreaterThanOrEqual(last);
  }
  expect(db.status.get()).toMatchObject({ rejected: 0 });
  await db.close();
}, 240_000);
