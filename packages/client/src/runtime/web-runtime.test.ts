import { parseStamp, stampToMillis, toHex } from "@synchro/core";
import { expect, test } from "vitest";
import { webRuntime } from "./web-runtime.ts";

test("a cancelled timer never runs, and one too long for the platform does not run at once", async () => {
  const ran: string[] = [];
  webRuntime.after(1, () => ran.push("cancelled"))();
  const cancelLong = webRuntime.after(2 ** 40, () => ran.push("long"));
  await new Promise<void>((resolve) => void webRuntime.after(20, resolve));
  cancelLong();
  cancelLong();
  expect(ran).toEqual([]);
});

test("now is a stamp of this minute", () => {
  const now = webRuntime.now();
  expect(parseStamp(now)).toBe(now);
  expect(Math.abs(stampToMillis(now) - Date.now())).toBeLessThan(60_000);
});

test("the monotonic clock counts milliseconds", async () => {
  const from = webRuntime.monotonicMs();
  await new Promise<void>((resolve) => void webRuntime.after(30, resolve));
  const passed = webRuntime.monotonicMs() - from;
  expect(passed).toBeGreaterThanOrEqual(28);
  expect(passed).toBeLessThan(20_000);
});

test("random bytes come in the number asked for and differ", () => {
  const drawn = webRuntime.randomBytes(16);
  expect(drawn).toHaveLength(16);
  expect(toHex(drawn)).not.toBe(toHex(webRuntime.randomBytes(16)));
});

test("sha256 hashes the UTF-8 form", () => {
  // printf 'é😀' | sha256sum
  expect(toHex(webRuntime.sha256("é😀"))).toBe(
    "1184d1f608158eea09d297565575892231550c403aaa913008d867a97cfd5c76",
  );
});
