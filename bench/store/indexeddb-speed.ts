/**
 * A first sync into IndexedDB in a real Chromium: records a second, and what it takes of the processor
 * in the page and in the browser's own processes. Run:
 * `node --conditions=source bench/store/indexeddb-speed.ts [records] [rounds]`
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import type * as Synchro from "../../packages/client/src/index.ts";
import { bundleForBrowsers, serveWebPage } from "../../packages/client/testing/web-page.ts";
import { fillSynchro } from "../load/fill.ts";
import { startSynchro } from "../servers/synchro-server.ts";

const [records = 20_000, rounds = 3] = process.argv.slice(2).map(Number);

/** How a page is changed before it syncs. */
type Way = {
  readonly name: string;
  /** What every transaction is told instead of what the store says; null: as it says. */
  readonly durability: "strict" | "relaxed" | null;
  /** Records in a page; null: as the server likes. */
  readonly limit: number | null;
};

const ways: readonly Way[] = [
  { name: "as it is: relaxed, pages of 1,000", durability: null, limit: null },
  { name: "strict", durability: "strict", limit: null },
  { name: "pages of 100", durability: null, limit: 100 },
  { name: "pages of 5,000 (or 256 KiB)", durability: null, limit: 5_000 },
];

type Begin = (this: unknown, names: unknown, mode?: unknown, options?: unknown) => unknown;

/** What a page knows beside what Node does. */
type PageGlobals = {
  readonly synchro: typeof Synchro;
  readonly IDBDatabase: { readonly prototype: { transaction: Begin } };
};

/** Runs in the page: milliseconds of a first sync. */
const syncOnce = async ({ durability, limit, expected }: Way & { expected: number }) => {
  const page = globalThis as never as PageGlobals;
  const { collection, createClient, t } = page.synchro;
  const { prototype } = page.IDBDatabase;
  const begin = prototype.transaction;
  prototype.transaction = function beginAnotherWay(names, mode, options) {
    const wished = durability === null || mode !== "readwrite" ? options : { durability };
    return begin.call(this, names, mode, wished);
  };
  const readings = collection("readings", {
    fields: { expiration_date: t.date(), quantity: t.integer().optional() },
  });
  const withLimit = (url: string): string =>
    limit !== null && url.includes("/changes?") ? `${url}&limit=${limit}` : url;
  const startedAt = performance.now();
  const db = createClient({
    url: "/",
    space: "default",
    collections: { readings },
    fetch: (url, init) => fetch(withLimit(url as string), init),
  });
  await new Promise<void>((resolve) => {
    db.status.subscribe(({ state }) => {
      if (state === "live") resolve();
    });
  });
  const ms = performance.now() - startedAt;
  const held = (await db.readings.get()).length;
  if (held !== expected) throw new Error(`${held} of ${expected} records`);
  await db.destroy();
  return ms;
};

/** Milliseconds of processor time by the kind of Chromium's processes, of those that descend from `root`. */
const cpuByKind = (root: number): ReadonlyMap<string, number> => {
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const kind = /--type=(\w+)/.exec(readFileSync(`/proc/${name}/cmdline`, "utf8"))?.[1];
        const ms = (Number(fields[11]) + Number(fields[12])) * 10;
        return [{ pid: Number(name), parent: Number(fields[1]), kind: kind ?? "browser", ms }];
      } catch {
        return [];
      }
    });
  const family = new Set([root]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid);
  }
  const byKind = new Map<string, number>();
  for (const { pid, kind, ms } of stats) {
    if (family.has(pid)) byKind.set(kind, (byKind.get(kind) ?? 0) + ms);
  }
  return byKind;
};

await using server = await startSynchro();
await fillSynchro(server.port, records, { keys: "ascending" });
const bundle = await bundleForBrowsers(
  join(import.meta.dirname, "../../packages/client/testing/typical-app.ts"),
);
const site = await serveWebPage(bundle, () => `http://127.0.0.1:${server.port}`);
const chrome = await chromium.launchServer({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const browser = await chromium.connect(chrome.wsEndpoint());
const root = chrome.process().pid ?? 0;

const openPage = async (): Promise<Page> => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => "synchro" in globalThis);
  return page;
};

for (let round = 0; round < rounds; round += 1) {
  for (const way of ways) {
    const page = await openPage();
    const before = cpuByKind(root);
    const ms = await page.evaluate(syncOnce, { ...way, expected: records });
    const after = cpuByKind(root);
    const micros = [...after].flatMap(([kind, used]) => {
      const spent = (1_000 * (used - (before.get(kind) ?? 0))) / records;
      return spent < 1 ? [] : [`${kind} ${spent.toFixed(0)}`];
    });
    await page.context().close();
    process.stdout.write(
      `${way.name}: ${Math.round((1_000 * records) / ms).toLocaleString("en")} records/s; µs of processor a record: ${micros.join(", ")}\n`,
    );
  }
}
await browser.close();
await chrome.close();
site.close();
