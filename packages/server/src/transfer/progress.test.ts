import { describe, expect, test } from "vitest";
import { formatCount, formatElapsed, Progress } from "./progress.ts";

const createWorld = (isWatched: boolean) => {
  const drawn: string[] = [];
  const told: string[] = [];
  let now = 5_000;
  const view = {
    draw: isWatched ? (line: string): void => void drawn.push(line) : null,
    complain: (line: string): void => void told.push(line),
  };
  const progress = new Progress(view, { monotonicMs: () => now });
  return { progress, drawn, told, pass: (ms: number) => (now += ms) };
};

describe("where nobody watches", () => {
  test("a short run tells nothing, a long one a line every ten seconds", () => {
    const { progress, told, pass } = createWorld(false);
    for (let second = 1; second <= 25; second += 1) {
      pass(1_000);
      progress.show(second * 1_000, second / 50);
    }
    progress.clear();
    expect(told).toEqual([
      "20 %, 10,000 records, 1,000/s, 0:10",
      "40 %, 20,000 records, 1,000/s, 0:20",
    ]);
  });
});

describe("where somebody watches", () => {
  test("a bar is drawn ten times a second at most, and taken away", () => {
    const { progress, drawn, told, pass } = createWorld(true);
    progress.show(1, 0);
    pass(100);
    progress.show(50, 0.5);
    pass(50);
    progress.show(70, 0.7);
    pass(50);
    progress.show(120, 1.2);
    progress.clear();
    progress.clear();
    expect(drawn).toEqual([
      "[##########----------] 50 %, 50 records, 500/s, 0:00",
      "[####################] 100 %, 120 records, 600/s, 0:00",
      "",
    ]);
    expect(told).toEqual([]);
  });

  test("there is no bar where the size is not known", () => {
    const { progress, drawn, pass } = createWorld(true);
    pass(61_000);
    progress.show(1_234_567, null);
    expect(drawn).toEqual([" 1,234,567 records, 20,239/s, 1:01"]);
  });
});

test("numbers for people", () => {
  expect([0, 999, 1_000, 1_234_567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([0, 59_999, 60_000, 3_600_000, 90_061_000].map(formatElapsed)).toEqual([
    "0:00",
    "0:59",
    "1:00",
    "1:00:00",
    "25:01:01",
  ]);
});
