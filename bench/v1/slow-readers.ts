/**
 * What `/v1` answers cost while clients read them slowly and others write: memory of the server,
 * and how long an answer takes that is read at full speed. Run:
 * `node --conditions=source bench/v1/slow-readers.ts [readings] [readers]`
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [count = 100_000, readers = 30] = process.argv.slice(2).map(Number);
const BATCH = 5_000;
/** Bytes that a slow client takes of an answer, every `SIP_MS`. */
const SIP_BYTES = 64 * 1024;
const SIP_MS = 200;

const root = join(import.meta.dirname, "../..");
const data = mkdtempSync(join(tmpdir(), "synchro-bench-"));
const server = spawn(
  process.execPath,
  [
    "--conditions=source",
    "packages/server/bin/synchro.mjs",
    "serve",
    "--port",
    "0",
    "--data",
    data,
  ],
  { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
);

const url = await new Promise<string>((resolve) => {
  let printed = "";
  server.stdout.on("data", (text: Buffer) => {
    printed += text.toString();
    const [, listening] = /listens on (\S+)\n/.exec(printed) ?? [];
    if (listening !== undefined) resolve(listening);
  });
});

const sync = async (records: readonly object[]): Promise<void> => {
  const response = await fetch(`${url}/v1/sync/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ last_sync_date: "9999-01-01", newly_created_records: records }),
  });
  if (response.status !== 200) throw new Error(await response.text());
  await response.text();
};

const reading = (n: number, stamp: string) => ({
  gtin: `${n}`.padStart(14, "0"),
  updated_at: stamp,
  expiration_date: "2026-12-01",
});

type Memory = { readonly rssMiB: number; readonly heapMiB: number };

const memory = async (): Promise<Memory> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const mebibytes = (name: string): number =>
    Math.round(Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]) / 1024 / 1024);
  return {
    rssMiB: mebibytes("process_resident_memory_bytes"),
    heapMiB: mebibytes("nodejs_heap_size_used_bytes"),
  };
};

const openList = (): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(`${url}/v1/readings/`, { agent: false })
      .on("response", resolve)
      .on("error", reject)
      .end();
  });

/** Reads at full speed; seconds and MiB. */
const readFast = async (): Promise<{ readonly seconds: number; readonly mib: number }> => {
  const startedAt = performance.now();
  let bytes = 0;
  for await (const chunk of await openList()) bytes += (chunk as Buffer).length;
  return { seconds: (performance.now() - startedAt) / 1000, mib: bytes / 1024 / 1024 };
};

/** Reads sip by sip; whether the answer came to its end. */
const readSlowly = async (): Promise<boolean> => {
  const response = await openList();
  response.on("error", () => {});
  let taken = 0;
  response.on("data", (chunk: Buffer) => {
    taken += chunk.length;
    if (taken < SIP_BYTES) return;
    taken = 0;
    response.pause();
    setTimeout(() => response.resume(), SIP_MS);
  });
  return new Promise((resolve) => {
    response.on("close", () => resolve(response.complete));
  });
};

try {
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from);
    await sync(Array.from({ length: size }, (_, n) => reading(from + n, "2026-11-23T10:00:00Z")));
  }
  for (let round = 0; round < 3; round += 1) {
    const { seconds, mib } = await readFast();
    console.log(
      `one fast reader: ${count} readings, ${mib.toFixed(1)} MiB in ${seconds.toFixed(2)} s`,
    );
  }
  console.log("before", await memory());
  const slowReads = { isOver: false };
  const slow = Promise.all(Array.from({ length: readers }, readSlowly)).finally(() => {
    slowReads.isOver = true;
  });
  let writes = 0;
  let peak: Memory = { rssMiB: 0, heapMiB: 0 };
  while (!slowReads.isOver) {
    const stamp = new Date().toISOString();
    await sync(Array.from({ length: 100 }, (_, n) => reading((writes * 100 + n) % count, stamp)));
    writes += 1;
    if (writes % 20 === 0) {
      const { rssMiB, heapMiB } = await memory();
      peak = { rssMiB: Math.max(peak.rssMiB, rssMiB), heapMiB: Math.max(peak.heapMiB, heapMiB) };
    }
    await sleep(5);
  }
  const whole = (await slow).filter(Boolean).length;
  console.log(`${readers} slow readers, ${whole} to the end; ${writes} writes of 100 meanwhile`);
  console.log("peak", peak, "after", await memory());
} finally {
  server.kill("SIGTERM");
  await new Promise((resolve) => server.once("close", resolve));
  rmSync(data, { recursive: true, force: true });
}
