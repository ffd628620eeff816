import type { SpaceId } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import { LinkedBus, PROBE_EVERY_MS, PROBE_TAKES_MS_MAX } from "./linked-bus.ts";
import type { Line } from "./line.ts";

const shop = "shop-1" as SpaceId;

/** A line in a test's hands. */
type FakeLine = Line & {
  readonly sent: string[];
  readonly end: (reason: string) => void;
  /** Neither sends nor probes are answered. */
  isSilent: boolean;
  isDropped: boolean;
};

const never = new Promise<never>(() => {});

const createLine = (): FakeLine => {
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const line: FakeLine = {
    sent: [],
    ended,
    end,
    isSilent: false,
    isDropped: false,
    send: async (payloads) => {
      if (line.isSilent) await never;
      line.sent.push(...payloads);
    },
    probe: async () => {
      if (line.isSilent) await never;
    },
    drop: () => {
      line.isDropped = true;
      end("dropped");
    },
  };
  return line;
};

const setUp = () => {
  const time = new VirtualTime();
  const lines: FakeLine[] = [];
  const events: string[] = [];
  const medium = { isUp: true, isSilent: false };
  const attempts: number[] = [];
  const receivers: ((payload: string) => void)[] = [];
  const observer = {
    onUp: () => void events.push("up"),
    onDown: (reason: string) => void events.push(`down: ${reason}`),
    countHints: (direction: string, count: number) => void events.push(`${direction} ${count}`),
  };
  const bus = new LinkedBus({ runtime: time.runtime, observer }, async (onPayload) => {
    attempts.push(time.elapsedMs);
    if (medium.isSilent) await never;
    if (!medium.isUp) throw new Error("refused");
    const line = createLine();
    lines.push(line);
    receivers.push(onPayload);
    return line;
  });
  bus.listen({
    onHint: ({ space, seq }) => void events.push(`hint ${space} ${seq}`),
    onGap: () => void events.push("gap"),
  });
  const last = (): FakeLine => lines.at(-1) ?? createLine();
  return { time, bus, events, lines, last, medium, attempts, receivers };
};

describe("a bus over a line", () => {
  test("whose medium refuses tries again, more and more seldom, and says so once", async () => {
    const { time, bus, events, medium, attempts, last } = setUp();
    await time.settle();
    medium.isUp = false;
    last().end("the server went away");
    await time.advance(60_000);
    expect(events).toEqual(["up", "gap", "down: the server went away"]);
    const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
    expect(waits.length).toBeGreaterThan(10);
    expect(waits.length).toBeLessThan(40);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(2_500);
    medium.isUp = true;
    await time.advance(5_000);
    expect(events.slice(3)).toEqual(["up", "gap"]);
    await bus.close();
  });

  test("whose medium accepts and says nothing gives up the attempt and tries another", async () => {
    const { time, bus, events, medium, attempts, last } = setUp();
    await time.settle();
    medium.isSilent = true;
    last().end("gone");
    await time.advance(12_000);
    expect(attempts.length).toBeGreaterThanOrEqual(3);
    medium.isSilent = false;
    await time.advance(12_000);
    expect(events).toEqual(["up", "gap", "down: gone", "up", "gap"]);
    await bus.close();
  });

  test("notices silence within two probes, drops the line and sends over the next what was pending", async () => {
    const { time, bus, events, lines, last } = setUp();
    await time.settle();
    last().isSilent = true;
    await time.advance(PROBE_EVERY_MS + PROBE_TAKES_MS_MAX + 200);
    expect(lines).toHaveLength(2);
    expect(lines[0]?.isDropped).toBe(true);
    expect(events).toEqual([
      "up",
      "gap",
      `down: no answer for ${PROBE_TAKES_MS_MAX} ms`,
      "up",
      "gap",
    ]);
    await bus.close();
    expect(last().isDropped).toBe(true);
  });

  test("what was given to a line that ended before it had it goes over the next one", async () => {
    const { time, bus, lines, last } = setUp();
    await time.settle();
    last().isSilent = true;
    bus.publish({ space: shop, seq: 1 });
    await time.settle();
    last().end("cut");
    await time.advance(200);
    expect(lines).toHaveLength(2);
    expect(last().sent).toEqual(["shop-1:1"]);
    bus.publish({ space: shop, seq: 2 });
    await time.advance(10);
    expect(last().sent).toEqual(["shop-1:1", "shop-1:2"]);
    await bus.close();
  });

  test("what was published since beats what is put back", async () => {
    const { time, bus, last } = setUp();
    await time.settle();
    last().isSilent = true;
    bus.publish({ space: shop, seq: 1 });
    await time.settle();
    bus.publish({ space: shop, seq: 2 });
    last().end("cut");
    await time.advance(200);
    expect(last().sent).toEqual(["shop-1:2"]);
    await bus.close();
  });

  test("sends the first hint at once, and those of the next 5 ms together", async () => {
    const { time, bus, last } = setUp();
    await time.settle();
    bus.publish({ space: shop, seq: 1 });
    await time.settle();
    expect(last().sent).toEqual(["shop-1:1"]);
    for (let seq = 2; seq < 100; seq += 1) {
      bus.publish({ space: shop, seq });
      bus.publish({ space: "shop-2" as SpaceId, seq });
    }
    await time.settle();
    expect(last().sent).toHaveLength(1);
    await time.advance(5);
    expect(last().sent).toEqual(["shop-1:1", "shop-1:99 shop-2:99"]);
    await bus.close();
  });

  test("tells what came, and counts what strangers wrote", async () => {
    const { time, bus, events, receivers } = setUp();
    await time.settle();
    receivers[0]?.("shop-1:7 ../x:1 shop-2:8");
    receivers[0]?.("*");
    expect(events).toEqual([
      "up",
      "gap",
      "malformed 1",
      "received 2",
      "hint shop-1 7",
      "hint shop-2 8",
      "gap",
    ]);
    await bus.close();
    receivers[0]?.("shop-1:8 *");
    expect(events.filter((event) => event === "gap")).toHaveLength(2);
  });

  test("tells what is left before it closes, and does not wait long for that", async () => {
    const { time, bus, last } = setUp();
    await time.settle();
    bus.publish({ space: shop, seq: 1 });
    await bus.close();
    bus.publish({ space: shop, seq: 2 });
    expect(last().sent).toEqual(["shop-1:1"]);
    const other = setUp();
    await other.time.settle();
    other.last().isSilent = true;
    other.bus.publish({ space: shop, seq: 1 });
    const closed = other.bus.close();
    await other.time.advance(500);
    await closed;
    expect(other.last().isDropped).toBe(true);
    expect([time.timers, other.time.timers]).toEqual([0, 0]);
  });

  test("leaves no timer and no line behind, also when it closes between two attempts", async () => {
    const { time, bus, medium, last } = setUp();
    await time.settle();
    medium.isUp = false;
    last().end("cut");
    await time.advance(1_000);
    await bus.close();
    expect(time.timers).toBe(0);
  });

  test("an attempt that succeeds after the close is dropped", async () => {
    const time = new VirtualTime();
    const { promise, resolve } = Promise.withResolvers<Line>();
    const observer = { onUp: () => {}, onDown: () => {}, countHints: () => {} };
    const bus = new LinkedBus({ runtime: time.runtime, observer }, () => promise);
    const closed = bus.close();
    const late = createLine();
    resolve(late);
    await closed;
    await time.settle();
    expect(late.isDropped).toBe(true);
    expect(time.timers).toBe(0);
  });
});
