import { parseStamp, stampToMillis, toHex } from "@synchro/core";
import { expect, test } from "vitest";
import { systemRuntime } from "./system-runtime.ts";

test("sha256 hashes the UTF-8 form (FIPS 180-4 examples, and beyond ASCII)", () => {
  expect(toHex(systemRuntime.sha256(""))).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  expect(toHex(systemRuntime.sha256("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  // printf 'é😀' | sha256sum
  expect(toHex(systemRuntime.sha256("é😀"))).toBe(
    "1184d1f608158eea09d297565575892231550c403aaa913008d867a97cfd5c76",
  );
});

test("now is a stamp of this minute", () => {
  const now = systemRuntime.now();
  expect(parseStamp(now)).toBe(now);
  expect(Math.abs(stampToMillis(now) - Date.now())).toBeLessThan(60_000);
});

test("a cancelled timer never runs, and one too long for Node does not run at once", async () => {
  const ran: string[] = [];
  systemRuntime.after(1, () => ran.push("cancelled"))();
  const cancelLong = systemRuntime.after(2 ** 40, () => ran.push("long"));
  await new Promise<void>((resolve) => {
    systemRuntime.after(20, resolve);
    // A timer of the runtime does not hold a test open either.
    setTimeout(resolve, 1_000);
  });
  cancelLong();
  expect(ran).toEqual([]);
});

test("soon runs after the work that is ready, not within the call", async () => {
  const order: string[] = [];
  const ran = new Promise<void>((resolve) => {
    systemRuntime.soon(() => {
      order.push("soon");
      resolve();
    });
  });
  await Promise.resolve();
  order.push("ready");
  await ran;
  expect(order).toEqual(["ready", "soon"]);
});

test("random bytes come in the number asked for and differ", () => {
  const drawn = systemRuntime.randomBytes(16);
  expect(drawn).toHaveLength(16);
  expect(toHex(drawn)).not.toBe(toHex(systemRuntime.randomBytes(16)));
});
