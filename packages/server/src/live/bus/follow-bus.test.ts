import type { Seq, SpaceId } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../../testing/virtual-time.ts";
import { createHub } from "../hub.ts";
import type { BusListener, Hint } from "./bus.ts";
import { followBus } from "./follow-bus.ts";
import { HEADS_EVERY_MS, type ReadHeads } from "./head-poll.ts";

const shop = "shop-1" as SpaceId;
const otherShop = "shop-2" as SpaceId;

const never = new AbortController().signal;

/** A look comes within this time. */
const LOOK_MS = HEADS_EVERY_MS * 1.25;

const setUp = (options: { readonly polls?: boolean } = {}) => {
  const time = new VirtualTime();
  const hub = createHub<string>(time.runtime, 30_000);
  const published: Hint[] = [];
  const listeners = new Set<BusListener>();
  const stop = new AbortController();
  const heads = new Map<SpaceId, Seq>();
  const queries: (readonly SpaceId[])[] = [];
  const hooks: { read: ReadHeads } = { read: async () => new Map(heads) };
  const readHeads: ReadHeads = (spaces) => {
    queries.push(spaces);
    return hooks.read(spaces);
  };
  const commit = followBus({
    runtime: time.runtime,
    hub,
    bus: {
      publish: (hint) => void published.push(hint),
      listen: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      close: async () => {},
    },
    readHeads: options.polls === false ? null : readHeads,
    signal: stop.signal,
  });
  const hint = (space: SpaceId, seq: Seq): void =>
    listeners.forEach((each) => each.onHint({ space, seq }));
  const gap = (): void => listeners.forEach((each) => each.onGap());
  /** Counts how often who listens to a space is woken. */
  const follow = (space: SpaceId): (() => number) => {
    const listener = hub.listen(space);
    let woken = 0;
    void (async () => {
      while ((await listener.wait(1e9, never)) === "changed") woken += 1;
    })();
    return () => woken;
  };
  return {
    time,
    hub,
    published,
    stop,
    heads,
    queries,
    hooks,
    commit,
    hint,
    gap,
    follow,
    listeners,
  };
};

describe("hints", () => {
  test("what is committed here wakes here at once, and is told to the others", async () => {
    const { time, commit, follow, published } = setUp();
    const woken = follow(shop);
    await time.settle();
    commit({ space: shop, seq: 7 });
    await time.settle();
    expect(woken()).toBe(1);
    expect(published).toEqual([{ space: shop, seq: 7 }]);
  });

  test("what others tell wakes who listens to that space, a lower seq too, and is not told on", async () => {
    const { time, hint, follow, published } = setUp();
    const woken = [follow(shop), follow(otherShop)];
    await time.settle();
    for (const seq of [7, 7, 3, 0]) {
      hint(shop, seq);
      await time.settle();
    }
    expect(woken.map((count) => count())).toEqual([4, 0]);
    expect(published).toEqual([]);
  });

  test("after an abort nothing is heard, read or woken", async () => {
    const { time, stop, gap, follow, listeners, queries } = setUp();
    const woken = follow(shop);
    await time.settle();
    gap();
    await time.settle();
    stop.abort();
    expect(listeners.size).toBe(0);
    await time.advance(60_000);
    expect(woken()).toBe(1);
    expect(queries).toEqual([]);
  });
});

describe("a gap", () => {
  test("wakes every space that anyone listens to once, a few at a time", async () => {
    const { time, gap, follow } = setUp({ polls: false });
    const woken = Array.from({ length: 1_000 }, (_, at) => follow(`shop-${at}` as SpaceId));
    await time.settle();
    gap();
    await time.settle();
    expect(woken.filter((count) => count() === 1)).toHaveLength(50);
    await time.advance(1_000);
    expect(woken.every((count) => count() === 1)).toBe(true);
  });

  test("that comes while all are being woken wakes them once more", async () => {
    const { time, gap, follow } = setUp({ polls: false });
    const woken = Array.from({ length: 200 }, (_, at) => follow(`shop-${at}` as SpaceId));
    await time.settle();
    gap();
    await time.advance(30);
    gap();
    gap();
    await time.advance(5_000);
    expect(woken.map((count) => count())).toEqual(woken.map(() => 2));
  });

  test("after a gap, in a flood, wakes everybody again, once a second at most", async () => {
    const { time, gap, follow } = setUp({ polls: false });
    const woken = follow(shop);
    await time.settle();
    for (let tenth = 0; tenth < 100; tenth += 1) {
      for (let count = 0; count < 1_000; count += 1) gap();
      await time.advance(100);
    }
    await time.advance(2_000);
    expect(woken()).toBeGreaterThanOrEqual(10);
    expect(woken()).toBeLessThanOrEqual(12);
  });
});

describe("the backstop", () => {
  test("finds what no hint told of, with one query for all that is listened to", async () => {
    const { time, follow, heads, queries } = setUp();
    heads.set(shop, 5).set(otherShop, 9);
    const woken = [follow(shop), follow(otherShop)];
    await time.advance(LOOK_MS);
    expect(queries).toEqual([[shop, otherShop]]);
    // For the first time: they may have looked before.
    expect(woken.map((count) => count())).toEqual([1, 1]);
    heads.set(shop, 6);
    await time.advance(LOOK_MS);
    expect(woken.map((count) => count())).toEqual([2, 1]);
  });

  test("finds a head that is lower: the database is an older one", async () => {
    const { time, follow, heads } = setUp();
    heads.set(shop, 500);
    const woken = follow(shop);
    await time.advance(LOOK_MS);
    heads.set(shop, 3);
    await time.advance(LOOK_MS);
    expect(woken()).toBe(2);
  });

  test("wakes nobody again for what a hint, or a commit here, has told", async () => {
    const { time, follow, heads, hint, commit } = setUp();
    heads.set(shop, 1);
    const woken = follow(shop);
    await time.advance(LOOK_MS);
    heads.set(shop, 2);
    hint(shop, 2);
    await time.advance(LOOK_MS);
    heads.set(shop, 3);
    commit({ space: shop, seq: 3 });
    await time.advance(LOOK_MS);
    expect(woken()).toBe(3);
  });

  test("trusts a hint that came while it read more than what it read", async () => {
    const { time, follow, heads, hint, hooks } = setUp();
    heads.set(shop, 1);
    const woken = follow(shop);
    await time.advance(LOOK_MS);
    hooks.read = async () => {
      const old = new Map(heads);
      hint(shop, 2);
      heads.set(shop, 2);
      return old;
    };
    await time.advance(LOOK_MS);
    hooks.read = async () => new Map(heads);
    await time.advance(2 * LOOK_MS);
    expect(woken()).toBe(2);
  });

  test("asks nothing while nobody listens, and forgets whom nobody listens to", async () => {
    const { time, hub, queries, heads, hint } = setUp();
    heads.set(shop, 1);
    await time.advance(10 * LOOK_MS);
    expect(queries).toEqual([]);
    for (let at = 0; at < 1_000; at += 1) hint(`shop-${at}` as SpaceId, 1);
    const listener = hub.listen(shop);
    await time.advance(LOOK_MS);
    listener.close();
    await time.advance(10 * LOOK_MS);
    expect(queries).toEqual([[shop]]);
  });

  test("a look that fails is made up for by the next", async () => {
    const { time, follow, heads, hooks } = setUp();
    heads.set(shop, 1);
    const { read } = hooks;
    hooks.read = () => Promise.reject(new Error("the database is away"));
    const woken = follow(shop);
    await time.advance(3 * LOOK_MS);
    expect(woken()).toBe(0);
    hooks.read = read;
    await time.advance(LOOK_MS);
    expect(woken()).toBe(1);
  });

  test("a look that takes long is not joined by a second one", async () => {
    const { time, follow, hooks, queries } = setUp();
    hooks.read = () => new Promise(() => {});
    follow(shop);
    await time.advance(20 * LOOK_MS);
    expect(queries).toHaveLength(1);
  });

  test("a space that does not exist yet is found when it does", async () => {
    const { time, follow, heads } = setUp();
    const woken = follow(shop);
    await time.advance(3 * LOOK_MS);
    expect(woken()).toBe(1);
    heads.set(shop, 1);
    await time.advance(LOOK_MS);
    expect(woken()).toBe(2);
  });
});
