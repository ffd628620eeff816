import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import { createGuessGuard, type GuessGuard, guesserOf } from "./guess-guard.ts";

const waitOf = (guard: GuessGuard, address: string): number => {
  const guess = guard.begin(address);
  return guess.kind === "limited" ? guess.retryAfterS : 0;
};

const tryMany = (guard: GuessGuard, count: number, address: (index: number) => string): number =>
  Array.from({ length: count }, (_, index) => waitOf(guard, address(index))).filter(
    (wait) => wait === 0,
  ).length;

describe("[DEVICE-8] guesses", () => {
  test("from one address pass ten times, then one in six seconds", async () => {
    const time = new VirtualTime();
    const guard = createGuessGuard(time.runtime);
    expect(tryMany(guard, 50, () => "192.0.2.1")).toBe(10);
    expect(waitOf(guard, "192.0.2.1")).toBe(6);
    await time.advance(5_900);
    expect(waitOf(guard, "192.0.2.1")).toBe(1);
    await time.advance(100);
    expect(tryMany(guard, 5, () => "192.0.2.1")).toBe(1);
    // A long silence gives no more than the beginning did.
    await time.advance(86_400_000);
    expect(tryMany(guard, 50, () => "192.0.2.1")).toBe(10);
  });

  test("that are asked while others are under way are counted at once", () => {
    const guard = createGuessGuard(new VirtualTime().runtime);
    const guesses = Array.from({ length: 20 }, () => guard.begin("192.0.2.1"));
    expect(guesses.filter(({ kind }) => kind === "allowed")).toHaveLength(10);
  });

  test("that turn out right give their place back, once", () => {
    const guard = createGuessGuard(new VirtualTime().runtime);
    const begin = () => {
      const guess = guard.begin("192.0.2.1");
      if (guess.kind === "limited") throw new Error("it was slowed down");
      return guess;
    };
    for (let count = 0; count < 400; count += 1) begin().admitted();
    const guesses = Array.from({ length: 10 }, begin);
    guesses[0]?.admitted();
    guesses[0]?.admitted();
    expect(tryMany(guard, 50, () => "192.0.2.1")).toBe(1);
  });

  test("from many addresses together pass three hundred times, then five in a second", async () => {
    const time = new VirtualTime();
    const guard = createGuessGuard(time.runtime);
    const spread = (index: number): string => `198.51.${Math.floor(index / 250)}.${index % 250}`;
    expect(tryMany(guard, 1_000, spread)).toBe(300);
    expect(waitOf(guard, "203.0.113.9")).toBe(1);
    await time.advance(1_000);
    expect(tryMany(guard, 1_000, (index) => spread(index + 2_000))).toBe(5);
  });

  test("from ever new addresses fill no memory, and the last that was heard is remembered", async () => {
    const time = new VirtualTime();
    const guard = createGuessGuard(time.runtime);
    for (let index = 0; index < 25_000; index += 1) {
      if (index % 100 === 0) await time.advance(60_000);
      guard.begin(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    }
    expect(guard.addresses()).toBe(10_000);
    for (let count = 0; count < 12; count += 1) guard.begin("192.0.2.1");
    expect(tryMany(guard, 100, (index) => `172.16.0.${index}`)).toBeGreaterThan(50);
    expect(waitOf(guard, "192.0.2.1")).toBeGreaterThan(0);
  });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["2001:db8::", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["::", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["1::2:3:4:5:6:7", "1:0:2:3"],
  ])("from %s count as from %s", (address, guesser) => {
    expect(guesserOf(address)).toBe(guesser);
  });
});
