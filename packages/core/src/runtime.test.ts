import { expect, test } from "vitest";
import { toHex } from "./runtime.ts";

test("toHex writes each byte with two lower-case digits", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
  expect(toHex(new Uint8Array())).toBe("");
});
