import type { SpaceId } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { createHub, type Hub, type WakeReason } from "./hub.ts";

const shop = "shop-1" as SpaceId;
const otherShop = "shop-2" as SpaceId;

const FRAME_MS = 1_000;

const setUp = (): { readonly time: VirtualTime; readonly hub: Hub<string> } => {
  const time = new VirtualTime();
  return { time, hub: createHub<string>(time.runtime, FRAME_MS) };
};

const never = new AbortController().signal;

/** What a wait has come to so far; null while it waits. */
const watch = (waiting: Promise<WakeReason>): (() => WakeReason | null) => {
  let outcome: WakeReason | null = null;
  void waiting.then((reason) => (outcome = reason));
  return () => outcome;
};

describe("waiting", () => {
  test("[LIVE-3] what was announced since the listener was made ends the wait at once", async () => {
    const { hub } = setUp();
    const listener = hub.listen(shop);
    hub.announce(shop);
    expect(await listener.wait(1_000, never)).toBe("changed");
  });

  test("[LIVE-3] what is announced between two waits is not slept through, and is told once", async () => {
    const { time, hub } = setUp();
    const listener = hub.listen(shop);
    hub.announce(shop);
    await listener.wait(1_000, never);
    hub.announce(shop);
    hub.announce(shop);
    expect(await listener.wait(1_000, never)).toBe("changed");
    const outcome = watch(listener.wait(1_000, never));
    await time.advance(999);
    expect(outcome()).toBeNull();
    await time.advance(1);
    expect(outcome()).toBe("idle");
  });

  test("an announcement ends the wait, and leaves no timer and nothing to tell", async () => {
    const { time, hub } = setUp();
    const listener = hub.listen(shop);
    const outcome = watch(listener.wait(1_000, never));
    await time.advance(10);
    hub.announce(shop);
    await time.settle();
    expect(outcome()).toBe("changed");
    expect(time.timers).toBe(0);
    const next = watch(listener.wait(5, never));
    await time.advance(5);
    expect(next()).toBe("idle");
  });

  test("an announcement that comes in the same turn as the timer is told by this wait or the next", async () => {
    const { time, hub } = setUp();
    const listener = hub.listen(shop);
    const outcome = watch(listener.wait(10, never));
    time.runtime.after(10, () => hub.announce(shop));
    await time.advance(10);
    expect(outcome()).toBe("idle");
    expect(await listener.wait(10, never)).toBe("changed");
  });

  test("an abort ends it, whether it comes before or after", async () => {
    const { time, hub } = setUp();
    const listener = hub.listen(shop);
    const gone = new AbortController();
    const outcome = watch(listener.wait(1_000, gone.signal));
    await time.settle();
    expect(outcome()).toBeNull();
    gone.abort();
    await time.settle();
    expect(outcome()).toBe("aborted");
    expect(time.timers).toBe(0);
    hub.announce(shop);
    expect(await listener.wait(1_000, gone.signal)).toBe("aborted");
  });

  test("other spaces wake nobody", async () => {
    const { time, hub } = setUp();
    const outcome = watch(hub.listen(shop).wait(1_000, never));
    hub.listen(otherShop);
    hub.announce(otherShop);
    hub.announce("shop-3" as SpaceId);
    await time.settle();
    expect(outcome()).toBeNull();
  });

  test("one announcement wakes all, also when one of them leaves on waking", async () => {
    const { time, hub } = setUp();
    const listeners = Array.from({ length: 50 }, () => hub.listen(shop));
    const outcomes = listeners.map((listener) => {
      const waiting = listener.wait(1_000, never);
      void waiting.then(() => listener.close());
      return watch(waiting);
    });
    hub.announce(shop);
    await time.settle();
    expect(outcomes.map((outcome) => outcome())).toEqual(listeners.map(() => "changed"));
    expect(hub.spaces()).toBe(0);
  });
});

describe("the seq that was told", () => {
  test("is the greatest, so that a hint that comes late takes nothing back", () => {
    const { hub } = setUp();
    const listener = hub.listen(shop);
    expect(listener.seqTold()).toBeNull();
    hub.announce(shop, 8);
    hub.announce(shop, 7);
    hub.announce(otherShop, 9);
    expect(listener.seqTold()).toBe(8);
    expect(hub.listen(shop).seqTold()).toBe(8);
  });

  test("is none after an announcement that names none: the database may be another", () => {
    const { hub } = setUp();
    const listener = hub.listen(shop);
    hub.announce(shop, 8);
    hub.announce(shop);
    expect(listener.seqTold()).toBeNull();
    hub.announce(shop, 3);
    expect(listener.seqTold()).toBe(3);
  });
});

describe("what is owed", () => {
  const setUpDebts = () => {
    const time = new VirtualTime();
    const passedOn: number[] = [];
    const hub = createHub<string>(time.runtime, FRAME_MS, (ms) => void passedOn.push(ms));
    return { time, hub, passedOn };
  };

  test("is what a reader was told of, from the announcement until it waits again", async () => {
    const { time, hub, passedOn } = setUpDebts();
    const listener = hub.listen(shop);
    const outcome = watch(listener.wait(1_000, never));
    await time.advance(100);
    hub.announce(shop);
    await time.advance(30);
    expect(outcome()).toBe("changed");
    expect(hub.oldestOwedMs()).toBe(30);
    await time.advance(20);
    expect(passedOn).toEqual([]);
    void listener.wait(1_000, never);
    expect(passedOn).toEqual([50]);
    expect(hub.oldestOwedMs()).toBe(0);
  });

  test("is also what was announced while it passed on something else", async () => {
    const { time, hub, passedOn } = setUpDebts();
    const listener = hub.listen(shop);
    hub.announce(shop);
    await listener.wait(1_000, never);
    await time.advance(10);
    hub.announce(shop);
    await time.advance(5);
    expect(hub.oldestOwedMs()).toBe(15);
    expect(await listener.wait(1_000, never)).toBe("changed");
    expect(hub.oldestOwedMs()).toBe(5);
    await time.advance(1);
    void listener.wait(1_000, never);
    expect(passedOn).toEqual([15, 6]);
  });

  test("goes with the reader, and is the oldest of all readers of all spaces", async () => {
    const { time, hub } = setUpDebts();
    const slow = hub.listen(shop);
    hub.announce(shop);
    await time.advance(10);
    hub.listen(otherShop);
    hub.announce(otherShop);
    await time.advance(10);
    expect(hub.oldestOwedMs()).toBe(20);
    slow.close();
    expect(hub.oldestOwedMs()).toBe(10);
  });
});

describe("sharing", () => {
  /** A read that a test lets finish. */
  const createReads = () => {
    const finish: ((frame: string) => void)[] = [];
    const fail: ((error: Error) => void)[] = [];
    const read = (): Promise<string> =>
      new Promise((resolve, reject) => {
        finish.push(resolve);
        fail.push(reject);
      });
    return { read, finish, fail };
  };

  test("[LIVE-11] those at one position get the frame of one read, the very same object", async () => {
    const { hub } = setUp();
    const { read, finish } = createReads();
    const frames = Array.from({ length: 200 }, () => hub.listen(shop).share("p", read));
    expect(finish).toHaveLength(1);
    finish[0]?.("frame");
    expect(new Set(await Promise.all(frames))).toEqual(new Set(["frame"]));
    expect(await hub.listen(shop).share("p", read)).toBe("frame");
    expect(finish).toHaveLength(1);
  });

  test("those at other positions, and in other spaces, read for themselves", () => {
    const { hub } = setUp();
    const { read, finish } = createReads();
    void hub.listen(shop).share("p", read);
    void hub.listen(shop).share("q", read);
    void hub.listen(otherShop).share("p", read);
    expect(finish).toHaveLength(3);
  });

  test("[LIVE-3] what began to be read before an announcement is not given after it", async () => {
    const { hub } = setUp();
    const { read, finish } = createReads();
    const early = hub.listen(shop).share("p", read);
    hub.announce(shop);
    const late = hub.listen(shop).share("p", read);
    expect(finish).toHaveLength(2);
    finish[1]?.("new");
    finish[0]?.("old");
    expect([await early, await late]).toEqual(["old", "new"]);
    // The old read, which ended last, has not taken the new one's place.
    expect(await hub.listen(shop).share("p", read)).toBe("new");
  });

  test("a read that fails fails for all who wait for it, and for nobody after", async () => {
    const { hub } = setUp();
    const { read, finish, fail } = createReads();
    const first = hub.listen(shop).share("p", read);
    const second = hub.listen(shop).share("p", read);
    fail[0]?.(new Error("no luck"));
    await expect(first).rejects.toThrow("no luck");
    await expect(second).rejects.toThrow("no luck");
    const third = hub.listen(shop).share("p", read);
    finish[1]?.("frame");
    expect(await third).toBe("frame");
  });

  test("a read that failed late does not remove the frame of the one that followed", async () => {
    const { hub } = setUp();
    const { read, finish, fail } = createReads();
    const early = hub.listen(shop).share("p", read);
    hub.announce(shop);
    void hub.listen(shop).share("p", read);
    finish[1]?.("new");
    fail[0]?.(new Error("no luck"));
    await expect(early).rejects.toThrow("no luck");
    expect(await hub.listen(shop).share("p", read)).toBe("new");
    expect(finish).toHaveLength(2);
  });

  test("a lost hint costs latency only: a frame that is old is read again", async () => {
    const { time, hub } = setUp();
    const { read, finish } = createReads();
    void hub.listen(shop).share("p", read);
    await time.advance(FRAME_MS - 1);
    void hub.listen(shop).share("p", read);
    expect(finish).toHaveLength(1);
    await time.advance(1);
    void hub.listen(shop).share("p", read);
    expect(finish).toHaveLength(2);
  });

  test("[LIVE-12] a space keeps few frames, the newest, whatever positions are asked for", async () => {
    const { hub } = setUp();
    let reads = 0;
    const listener = hub.listen(shop);
    const share = (position: number): Promise<string> =>
      listener.share(String(position), async () => {
        reads += 1;
        return "frame";
      });
    for (let position = 0; position < 1_000; position += 1) await share(position);
    expect(reads).toBe(1_000);
    for (let position = 984; position < 1_000; position += 1) await share(position);
    expect(reads).toBe(1_000);
    await share(983);
    expect(reads).toBe(1_001);
  });

  test("frames go with the last listener", async () => {
    const { hub } = setUp();
    const { read, finish } = createReads();
    const [first, second] = [hub.listen(shop), hub.listen(shop)];
    void first.share("p", read);
    first.close();
    first.close();
    expect(hub.spaces()).toBe(1);
    void second.share("p", read);
    expect(finish).toHaveLength(1);
    second.close();
    expect(hub.spaces()).toBe(0);
    void hub.listen(shop).share("p", read);
    expect(finish).toHaveLength(2);
  });

  test("a listener closed twice does not take the room of others with it", async () => {
    const { time, hub } = setUp();
    const old = hub.listen(shop);
    old.close();
    const next = hub.listen(shop);
    old.close();
    const outcome = watch(next.wait(1_000, never));
    hub.announce(shop);
    await time.settle();
    expect(outcome()).toBe("changed");
  });
});
