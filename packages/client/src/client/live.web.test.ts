import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/start-test-server.ts";
import { bundleForBrowsers, serveWebPage, type WebPage } from "../../testing/web-page.ts";
import type * as Synchro from "../index.ts";

let browser: Browser;
let server: TestServer;
let site: WebPage;
let context: BrowserContext;

beforeAll(async () => {
  const bundle = await bundleForBrowsers(join(import.meta.dirname, "../../testing/typical-app.ts"));
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

type App = Window & {
  readonly db: {
    readonly readings: {
      put(value: object): { synced: Promise<unknown> };
      find(key: string): Promise<unknown>;
    };
    readonly status: { get(): { readonly state: string } };
  };
};

/** Runs in the page: a client as an app makes it. */
const startApp = (): void => {
  const synchro = (window as never as { synchro: typeof Synchro }).synchro;
  const { collection, createClient, t } = synchro;
  const readings = collection("readings", {
    key: "gtin",
    fields: { gtin: t.string(), expiration_date: t.date() },
  });
  const db = createClient({ url: "/", space: "malmo-1", collections: { readings } });
  Object.assign(window, { db });
};

/** What went over the page's lines. */
type Lines = { readonly sockets: string[]; readonly frames: string[]; readonly streams: string[] };

const open = async (prepare: (page: Page) => unknown = () => {}): Promise<[Page, Lines]> => {
  const page = await context.newPage();
  const lines: Lines = { sockets: [], frames: [], streams: [] };
  page.on("websocket", (socket) => {
    lines.sockets.push(socket.url());
    socket.on("framesent", ({ payload }) => lines.frames.push(String(payload)));
  });
  page.on("request", (request) => {
    if (request.headers()["accept"] === "text/event-stream") lines.streams.push(request.url());
  });
  await prepare(page);
  await page.goto(site.url);
  await page.waitForFunction(() => "synchro" in window);
  await page.evaluate(startApp);
  await page.waitForFunction(() => (window as never as App).db.status.get().state === "live");
  return [page, lines];
};

const put = (page: Page, gtin: string) =>
  page.evaluate(async (key) => {
    const value = { gtin: key, expiration_date: "2026-12-01" };
    await (window as never as App).db.readings.put(value).synced;
  }, gtin);

const sees = async (page: Page, gtin: string): Promise<void> => {
  await expect
    .poll(() => page.evaluate((key) => (window as never as App).db.readings.find(key), gtin))
    .toMatchObject({ gtin });
};

const isPush = (frame: string): boolean => frame.startsWith('{"type":"push"');

describe("in Chromium", () => {
  test("changes go out and come in over a WebSocket, on a path of the page's own origin", async () => {
    const [first, lines] = await open();
    await put(first, "by-page");
    expect(lines.sockets).toEqual([`${site.url.replace("http", "ws")}v2/live`]);
    expect(lines.frames.filter(isPush).length).toBeGreaterThan(0);
    expect(lines.streams).toEqual([]);
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
    await sees(first, "by-v1");
    await sees(first, "by-page");
  });

  test("behind something that lets none through, over server-sent events", async () => {
    // Connected, as far as the page can tell, to something that says nothing.
    const [page, lines] = await open((each) => each.routeWebSocket(/live/, () => {}));
    await put(page, "by-http");
    expect(lines.streams.length).toBeGreaterThan(0);
    await sees(page, "by-http");
  });
});
