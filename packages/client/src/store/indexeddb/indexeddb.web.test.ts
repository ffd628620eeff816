import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { bundleForBrowsers, serveWebPage } from "../../../testing/web-page.ts";
import type * as StorePage from "../../../testing/page/store-page.ts";

const testing = join(import.meta.dirname, "../../../testing");
const bundle = await bundleForBrowsers(join(testing, "page/store-page.ts"), {
  vitest: join(testing, "page/suite.ts"),
  "node:timers/promises": join(testing, "page/timers.ts"),
});
const site = await serveWebPage(bundle, () => "http://127.0.0.1:9");
const browser: Browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
afterAll(async () => {
  await browser.close();
  site.close();
});

type StoreWindow = Window & { readonly synchro: typeof StorePage };

const openPage = async (context: { newPage: () => Promise<Page> } = browser): Promise<Page> => {
  const page = await context.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => "synchro" in window);
  return page;
};

const suitePage = await openPage();
const titles = await suitePage.evaluate(() =>
  (window as never as StoreWindow).synchro.suite.titles(),
);

describe("in Chromium", () => {
  test("the page's own matchers can fail", async () => {
    const failed = await suitePage.evaluate(async () => {
      const { expect: inPage } = (window as never as StoreWindow).synchro;
      const attempts: readonly (() => unknown)[] = [
        () => inPage(1).toBe(2),
        () => inPage({ a: 1 }).toEqual({ a: 1, b: null }),
        () => inPage({ a: 1, b: null }).toEqual({ a: 1 }),
        () => inPage([1, 2]).toEqual([1]),
        () => inPage([]).toEqual({}),
        () => inPage(-0).toEqual(0),
        () => inPage({ a: [1] }).not.toEqual({ a: [1] }),
        () => inPage({ a: 1 }).toMatchObject({ a: 1, b: 2 }),
        () => inPage(null).toMatchObject({ a: 1 }),
        () => inPage([1]).toHaveLength(2),
        () => inPage(undefined).toBeNull(),
        () => inPage(Promise.resolve(1)).rejects.toThrow(),
        () => inPage(Promise.reject(new TypeError("a"))).rejects.toThrow("b"),
        () => inPage(Promise.reject(new TypeError("a"))).rejects.toThrow(RangeError),
        () => inPage(Promise.reject(new TypeError("a"))).rejects.toMatchObject({ name: "b" }),
      ];
      const passed: string[] = [];
      for (const attempt of attempts) {
        const isPassed = await Promise.resolve()
          .then(attempt)
          .then(
            () => true,
            () => false,
          );
        if (isPassed) passed.push(String(attempt));
      }
      inPage({ a: [1], b: undefined }).toEqual({ a: [1] });
      return passed;
    });
    expect(failed).toEqual([]);
  });

  test("the suite is whole", () => {
    expect(titles.length).toBeGreaterThanOrEqual(34);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test.each(titles)("%s", async (title) => {
    const fault = await suitePage.evaluate(
      (name) => (window as never as StoreWindow).synchro.suite.run(name),
      title,
    );
    expect(fault).toBeNull();
  });
});
