import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Browser,
  type BrowserContext,
  type CDPSession,
  chromium,
  type Page,
} from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../../server/testing/start-test-server.ts";
import { startChromium } from "../../../testing/chromium-process.ts";
import type * as StorePage from "../../../testing/page/store-page.ts";
import {
  type Bundle,
  bundleForBrowsers,
  serveWebPage,
  type WebPage,
} from "../../../testing/web-page.ts";
import type { StoreDump } from "../client-store-harness.contract.ts";

type Db = {
  readonly readings: {
    put(value: object): { local: Promise<number>; synced: Promise<unknown> };
    get(): Promise<readonly { readonly gtin: string }[]>;
  };
  readonly status: { get(): { readonly [member: string]: unknown } };
  readonly outbox: { list(): Promise<readonly unknown[]> };
};

type StoreWindow = Window & { readonly synchro: typeof StorePage; readonly db: Db };

let bundle: Bundle;
let site: WebPage;
let server: TestServer;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  const testing = join(import.meta.dirname, "../../../testing");
  bundle = await bundleForBrowsers(join(testing, "page/store-page.ts"), {
    vitest: join(testing, "page/suite.ts"),
    "node:timers/promises": join(testing, "page/timers.ts"),
  });
  site = await serveWebPage(bundle, () => server.url);
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser.close();
  site.close();
});
beforeEach(async () => {
  server = await startTestServer();
  context = await browser.newContext();
});
afterEach(async () => {
  await context.close();
  await server.stop();
});

const openPage = async (within: BrowserContext = context): Promise<Page> => {
  const page = await within.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => "synchro" in window);
  return page;
};

/**
 * Runs in the page, until it is killed: round after round of transactions, each of which takes the
 * whole store from n - 1 to n, and says n once it is told to be durable.
 */
const writeUntilKilled = async (): Promise<void> => {
  const { openIndexedDbStore, record, entry } = (window as never as StoreWindow).synchro;
  const store = await openIndexedDbStore({ name: "killed", createClientId: () => "c_1" });
  const { generation } = await store.read((reader) => reader.getMeta(["generation"]));
  for (let round = generation + 1; ; round += 1) {
    await store.transact(async (transaction) => {
      const value = JSON.stringify({ round, note: "x".repeat(2_000) });
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
      await transaction.putRecords(keys.map((key) => record(key, { value, seq: round })));
      await transaction.deleteEntries([round - 1]);
      await transaction.putEntries([entry(round)]);
      await transaction.putMeta({ generation: round });
    });
    console.log(`durable ${round}`);
  }
};

const readAll = (page: Page): Promise<StoreDump> =>
  page.evaluate(async () => {
    const { openIndexedDbStore, dump } = (window as never as StoreWindow).synchro;
    const store = await openIndexedDbStore({ name: "killed", createClientId: () => "c_1" });
    const held = await dump(store);
    await store.close();
    return held;
  });

/** Starts the writer, and answers the last round that it said was durable, as it is heard of. */
const startWriter = (
  page: Page,
): { readonly durable: () => number; readonly died: Promise<void> } => {
  let durable = 0;
  page.on("console", (message) => {
    durable = Math.max(durable, Number(/^durable (\d+)$/.exec(message.text())?.[1] ?? 0));
  });
  // It ends with its page, in one way or another.
  const died = page.evaluate(writeUntilKilled).catch(() => {});
  return { durable: () => durable, died };
};

/** One whole round, not before the last that was said to be durable. */
const expectWhole = (held: StoreDump, durable: number): void => {
  const round = held.meta.generation;
  expect(round).toBeGreaterThanOrEqual(durable);
  expect(held.entries.map(({ id }) => id)).toEqual([round]);
  expect(held.records.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, () => round));
};

describe("a page that is killed in the middle", () => {
  test("has its store whole, with all that was durable", async () => {
    let rounds = 0;
    for (let kill = 0; kill < 5; kill += 1) {
      const page = await openPage();
      const { durable } = startWriter(page);
      await expect.poll(durable, { timeout: 20_000 }).toBeGreaterThan(rounds);
      await sleep(kill * 7);
      const crashed = page.waitForEvent("crash");
      void (await context.newCDPSession(page)).send("Page.crash").catch(() => {});
      await crashed;
      await page.close();
      const next = await openPage();
      const held = await readAll(next);
      expectWhole(held, durable());
      rounds = held.meta.generation;
      await next.close();
    }
    expect(rounds).toBeGreaterThanOrEqual(5);
  }, 120_000);

  test("with its whole browser too: kill -9, and the profile is opened again", async () => {
    const profile = mkdtempSync(join(tmpdir(), "synchro-profile-"));
    let rounds = 0;
    try {
      for (let kill = 0; kill < 2; kill += 1) {
        const writing = await startChromium(profile);
        const { durable, died } = startWriter(await openPage(writing.context));
        await expect.poll(durable, { timeout: 20_000 }).toBeGreaterThan(rounds);
        await sleep(kill * 11);
        await writing.kill();
        await died;
        const reading = await startChromium(profile);
        const held = await readAll(await openPage(reading.context));
        await reading.kill();
        expectWhole(held, durable());
        rounds = held.meta.generation;
      }
    } finally {
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  }, 120_000);
});

/** Runs in the page: a client as an app makes it. */
const startApp = (): void => {
  const { collection, createClient, t } = (window as never as StoreWindow).synchro;
  const readings = collection("readings", {
    key: "gtin",
    fields: { gtin: t.string(), expiration_date: t.date() },
  });
  const db = createClient({ url: "/", space: "malmo-1", collections: { readings } });
  Object.assign(window, { db });
};

const openApp = async (): Promise<{ readonly page: Page; readonly devtools: CDPSession }> => {
  const page = await openPage();
  await page.evaluate(startApp);
  return { page, devtools: await context.newCDPSession(page) };
};

/** What became of an edit of so many characters: "kept", or the error's name and code. */
const put = (page: Page, gtin: string, chars: number): Promise<string> =>
  page.evaluate(
    async ([key, length]) => {
      const write = (window as never as StoreWindow).db.readings.put({
        gtin: key,
        expiration_date: "2026-12-01",
        note: "x".repeat(length),
      });
      return write.local.then(
        () => "kept",
        (error: unknown) => {
          const { name, code } = error as { readonly name: string; readonly code?: string };
          return `${name} ${code ?? ""}`;
        },
      );
    },
    [gtin, chars] as const,
  );

const statusOf = (page: Page) =>
  page.evaluate(() => (window as never as StoreWindow).db.status.get());

const untilStatus = async (
  page: Page,
  members: { readonly [name: string]: unknown },
): Promise<void> => {
  await expect.poll(() => statusOf(page), { timeout: 15_000 }).toMatchObject(members);
};

const keysOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const rows = await (window as never as StoreWindow).db.readings.get();
    return rows.map(({ gtin }) => gtin);
  });

describe("a browser that gives no more room", () => {
  test("an edit that finds none is never said to be kept, and those before it stay", async () => {
    // Chromium remembers for a while how much room there was: it is told before anything is written.
    const page = await openPage();
    const devtools = await context.newCDPSession(page);
    const { origin } = new URL(site.url);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
    await page.route("**/v2/**", (route) => route.abort());
    await page.evaluate(startApp);
    expect(await put(page, "before", 100)).toBe("kept");
    expect(await put(page, "too-much", 200_000)).toBe("ClientStoreError full");
    expect(await statusOf(page)).toMatchObject({ writeError: expect.stringContaining("room") });
    expect(await keysOf(page)).toEqual(["before"]);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    expect(await put(page, "after", 200_000)).toBe("kept");
    expect(await statusOf(page)).toMatchObject({ writeError: null });
    await page.reload();
    await page.waitForFunction(() => "synchro" in window);
    await page.evaluate(startApp);
    expect(await keysOf(page)).toEqual(["after", "before"]);
  });
});

describe("a browser that has no room for a store at all", () => {
  test("says so, and there is one as soon as there is room", async () => {
    const page = await openPage();
    const devtools = await context.newCDPSession(page);
    const { origin } = new URL(site.url);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    await page.evaluate(startApp);
    await untilStatus(page, { state: "broken", reason: expect.stringContaining("no more room") });
    expect(await put(page, "too-much", 1)).toBe("ClientStoreError full");
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    await page.reload();
    await page.waitForFunction(() => "synchro" in window);
    await page.evaluate(startApp);
    expect(await put(page, "kept", 1)).toBe("kept");
  });
});

describe("a browser that has no room for what the server sends", () => {
  test("says so, keeps what it has whole, and goes on when there is room", async () => {
    const newly = Array.from({ length: 300 }, (_, index) => ({
      gtin: `gtin-${index}-${"x".repeat(200)}`,
      updated_at: "2026-11-12T01:11:00",
      expiration_date: "2026-12-01",
    }));
    await fetch(`${server.url}/v1/sync/?shop=malmo-1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ last_sync_date: "2021-01-01", newly_created_records: newly }),
    });
    const page = await openPage();
    const devtools = await context.newCDPSession(page);
    const { origin } = new URL(site.url);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
    await page.evaluate(startApp);
    await untilStatus(page, { state: "waiting", obstacle: { kind: "full" } });
    expect(await keysOf(page)).toEqual([]);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
    await untilStatus(page, { state: "live" });
    expect(await keysOf(page)).toHaveLength(300);
  });
});

describe("a browser that evicts", () => {
  test("is noticed while the page is open, and told when it comes back, with all that the server has", async () => {
    const { page, devtools } = await openApp();
    expect(await put(page, "synced", 10)).toBe("kept");
    await untilStatus(page, { state: "live", pending: 0 });
    const { origin } = new URL(site.url);
    await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb" });
    await untilStatus(page, { state: "broken", reason: expect.stringContaining("evicted") });
    expect(await put(page, "lost", 10)).toBe("ClientStoreError lost");
    await page.reload();
    await page.waitForFunction(() => "synchro" in window);
    await page.evaluate(startApp);
    await untilStatus(page, { state: "live", wasEvicted: true });
    await expect.poll(() => keysOf(page)).toEqual(["synced"]);
  });
});
