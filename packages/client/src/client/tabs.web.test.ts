import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/start-test-server.ts";
import type * as Synchro from "../index.ts";
import { bundleForBrowsers, serveWebPage, type WebPage } from "../../testing/web-page.ts";

let browser: Browser;
let server: TestServer;
let site: WebPage;
let context: BrowserContext;

beforeAll(async () => {
  const entry = join(import.meta.dirname, "../../testing/typical-app.ts");
  const bundle = await bundleForBrowsers(entry);
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

/** Runs in the page: a client as an app makes it, and what its listeners last heard. */
const startApp = async (): Promise<void> => {
  const synchro = (window as never as { synchro: typeof Synchro }).synchro;
  const { collection, createClient, t } = synchro;
  const readings = collection("readings", {
    key: "gtin",
    fields: { gtin: t.string(), expiration_date: t.date(), quantity: t.integer().optional() },
  });
  const db = createClient({ url: "/", space: "malmo-1", collections: { readings } });
  const heard = { rows: [] as readonly unknown[], status: db.status.get() };
  db.readings.subscribe((rows) => {
    heard.rows = rows;
  });
  db.status.subscribe((status) => {
    heard.status = status;
  });
  Object.assign(window, { db, heard });
};

type App = Window & {
  readonly db: {
    readonly readings: {
      put(value: object): { local: Promise<number>; synced: Promise<unknown> };
    };
    readonly outbox: { list(): Promise<readonly unknown[]> };
  };
  readonly heard: {
    readonly rows: readonly { readonly gtin: string }[];
    readonly status: {
      readonly state: string;
      readonly pending: number;
      readonly storage: string;
      readonly wasEvicted: boolean;
    };
  };
};

const openTab = async (): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => "synchro" in window);
  await page.evaluate(startApp);
  return page;
};

const live = (page: Page) =>
  page.waitForFunction(() => (window as never as App).heard.status.state === "live");

const put = (page: Page, gtin: string, waits: "local" | "synced") =>
  page.evaluate(
    async ([key, what]) => {
      const write = (window as never as App).db.readings.put({
        gtin: key,
        expiration_date: "2026-12-01",
      });
      await (what === "local" ? write.local : write.synced);
    },
    [gtin, waits] as const,
  );

const sees = (page: Page, gtin: string) =>
  page.waitForFunction(
    (key) => (window as never as App).heard.rows.some((row) => row.gtin === key),
    gtin,
  );

const stored = async (): Promise<readonly string[]> => {
  const response = await fetch(`${server.url}/v1/readings/?shop=malmo-1`);
  const { data } = (await response.json()) as { data: { gtin: string }[] };
  return data.map(({ gtin }) => gtin).toSorted();
};

describe("in Chromium, with IndexedDB and Web Locks", () => {
  test("an edit in any of three tabs is seen in all, and sent once", async () => {
    const tabs = [await openTab(), await openTab(), await openTab()];
    for (const tab of tabs) await live(tab);
    for (const [index, tab] of tabs.entries()) await put(tab, `edit-${index}`, "synced");
    for (const tab of tabs) {
      for (const index of tabs.keys()) await sees(tab, `edit-${index}`);
    }
    expect(await stored()).toEqual(["edit-0", "edit-1", "edit-2"]);
    const counts = await tabs[0]?.evaluate(() => (window as never as App).db.outbox.list());
    expect(counts).toEqual([]);
  });

  test("the leader's death hands over: what others have written still goes out, and changes still come in", async () => {
    const [leader, second, third] = [await openTab(), await openTab(), await openTab()];
    for (const tab of [leader, second, third]) await live(tab);
    await context.setOffline(true);
    await put(second, "while-offline", "local");
    // Without a word: no page is asked before it goes.
    await leader.close({ runBeforeUnload: false });
    await context.setOffline(false);
    await put(third, "after-the-crash", "synced");
    await expect.poll(stored).toEqual(["after-the-crash", "while-offline"]);
    await fetch(`${server.url}/v1/sync/?shop=malmo-1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        last_sync_date: "2021-01-01T00:00:00",
        newly_created_records: [
          { gtin: "by-v1", updated_at: "2026-11-12T01:11:00", expiration_date: "2026-12-01" },
        ],
      }),
    });
    for (const tab of [second, third]) await sees(tab, "by-v1");
  });

  test("a tab that is killed right after `local` has lost nothing", async () => {
    const first = await context.newPage();
    await first.route("**/v2/**", (route) => route.abort());
    await first.goto(site.url);
    await first.waitForFunction(() => "synchro" in window);
    await first.evaluate(startApp);
    await put(first, "kept", "local");
    const crashed = first.waitForEvent("crash");
    // It never answers: the process behind the page is gone.
    void (await context.newCDPSession(first)).send("Page.crash").catch(() => {});
    await crashed;
    expect(await stored()).toEqual([]);
    await openTab();
    await expect.poll(stored).toEqual(["kept"]);
  });

  test("data that the browser has removed are noticed", async () => {
    const first = await openTab();
    await put(first, "a", "synced");
    expect(await first.evaluate(() => (window as never as App).heard.status)).toMatchObject({
      wasEvicted: false,
    });
    await first.goto("about:blank");
    const cleaner = await context.newPage();
    await cleaner.goto(site.url);
    await cleaner.evaluate(async () => {
      const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
      await Promise.all(
        names.map(
          (name) =>
            new Promise((resolve) => {
              indexedDB.deleteDatabase(name).addEventListener("success", resolve);
            }),
        ),
      );
    });
    const second = await openTab();
    await live(second);
    expect(await second.evaluate(() => (window as never as App).heard.status)).toMatchObject({
      wasEvicted: true,
    });
    await sees(second, "a");
  });
});
