import { describe, expect, test } from "vitest";
import { systemRuntime } from "../system-runtime.ts";
import { drawInvitationCode, hashOfSecret, normaliseCode } from "./invitation-code.ts";

describe("[DEVICE-2] a typed code", () => {
  test.each([
    "",
    "7KQ4-M2XD-9RT",
    "7KQ4-M2XD-9RTAA",
    "7KQ4-M2XD-9RTU",
    "7KQ4-M2XD-9RT!",
    "7KQ4_M2XD_9RTA",
    "７KQ4-M2XD-9RTA",
    "7KQ4-M2XD-9RTß",
  ])("%j can mean none", (text) => {
    expect(normaliseCode(text)).toBeNull();
  });

  test.each([
    ["7KQ4-M2XD-9RTA", "7KQ4M2XD9RTA"],
    ["7kq4m2xd9rta", "7KQ4M2XD9RTA"],
    [" 7kq4 m2xd\t9rta\n", "7KQ4M2XD9RTA"],
    ["7KQ4–M2XD—9RTA", "7KQ4M2XD9RTA"],
    ["oOiI-lL00-1111", "001111001111"],
  ])("%j means %s", (text, code) => {
    expect(normaliseCode(text)).toBe(code);
  });
});

describe("[DEVICE-1] a drawn code", () => {
  test("holds 5 bits of each of 12 random bytes, evenly", () => {
    const bytes = (value: number) => ({ randomBytes: () => new Uint8Array(12).fill(value) });
    expect(drawInvitationCode(bytes(0))).toBe("0000-0000-0000");
    expect(drawInvitationCode(bytes(255))).toBe("ZZZZ-ZZZZ-ZZZZ");
    const counts = new Map<string, number>();
    for (let value = 0; value < 256; value += 1) {
      const [first = ""] = drawInvitationCode(bytes(value));
      counts.set(first, (counts.get(first) ?? 0) + 1);
    }
    expect(new Set(counts.values())).toEqual(new Set([8]));
    expect(counts.size).toBe(32);
  });

  test("is read as it was drawn, and hashed without its dashes", () => {
    const code = drawInvitationCode(systemRuntime);
    expect(normaliseCode(code)).toBe(code.replaceAll("-", ""));
    // sha256("7KQ4M2XD9RTA"), by another program.
    expect(hashOfSecret(systemRuntime, "7KQ4M2XD9RTA")).toBe(HASH);
  });
});

const HASH = "b21d7f7b9d3877609fa1c9306b2f0117a90582a72b402985293670dccaa671c2";
