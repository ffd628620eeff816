import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleForBrowsers } from "../testing/web-page.ts";

const KIB = 1024;

test("everything that a browser needs stays under 25 KiB, minified and gzipped", async () => {
  const { code } = await bundleForBrowsers(join(import.meta.dirname, "../testing/typical-app.ts"));
  const bytes = gzipSync(code, { level: 9 }).length;
  expect(bytes).toBeGreaterThan(5 * KIB);
  expect(bytes).toBeLessThan(25 * KIB);
  expect(code).not.toContain("node:");
  // TypeBox marks its schemas with this.
  expect(code).not.toContain("~kind");
});
