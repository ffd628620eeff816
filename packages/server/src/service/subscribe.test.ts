import type { CollectionName, PushChange, SpaceId, Stamp } from "@synchro/core";
import { defaultLimits, type Limits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { createHub } from "../live/hub.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { Frame } from "./frame.ts";
import type { PullAnswer, PullInput } from "./pull.ts";
import { createPull } from "./pull.ts";
import { subscribe } from "./subscribe.ts";

const space = "shop-1" as SpaceId;
const readings = "readings" as CollectionName;
const batches = "batches" as CollectionName;

const IDLE_MS = 30_000;
const AUTHORIZE_MS = 70_000;

const from: PullInput = {
  space,
  cursor: null,
  ack: null,
  collections: null,
  tombstones: false,
  limit: null,
};

const setUp = (changed: Partial<Limits> = {}) => {
  const time = new VirtualTime();
  const { runtime } = time;
  const limits: Limits = {
    ...defaultLimits,
    streamIdleMs: IDLE_MS,
    streamAuthorizeMs: AUTHORIZE_MS,
    ...changed,
  };
  const plain = { merge: "last-write", keepsHistory: false } as const;
  const collections = new Map([
    [readings, plain],
    [batches, plain],
  ]);
  const store = new MemoryStore({ runtime, limits, collections });
  const hub = createHub<Frame>(runtime, limits.streamIdleMs);
  let pulls = 0;
  const hooks: { before: () => Promise<void>; after: () => Promise<void> } = {
    before: () => Promise.resolve(),
    after: () => Promise.resolve(),
  };
  const pullStore = createPull({ store, limits });
  const pull = async (input: PullInput): Promise<PullAnswer> => {
    pulls += 1;
    await hooks.before();
    const answer = await pullStore(input);
    await hooks.after();
    return answer;
  };
  let seconds = 0;
  const commit = async (
    key: string,
    more: { readonly collection?: CollectionName; readonly value?: string | null } = {},
  ): Promise<void> => {
    seconds += 1;
    const stamp = `2026-11-24T09:${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}.000000Z`;
    const change: PushChange = {
      kind: "write",
      collection: readings,
      key,
      stamp: stamp as Stamp,
      base: null,
      author: null,
      value: "{}",
      fieldState: null,
      ...more,
    };
    const now = runtime.now();
    await store.push({ space, changes: [change], checksClocks: true, clientId: null, now });
    hub.announce(space);
  };
  return { time, limits, store, hub, hooks, pull, pulls: () => pulls, commit };
};

type Setting = ReturnType<typeof setUp>;

/** Follows a space, and takes frames as they come unless it is told to hold. */
const follow = (
  { time, limits, hub, pull }: Setting,
  more: {
    readonly from?: Partial<PullInput>;
    readonly mayStillRead?: () => Promise<boolean>;
    readonly dialect?: string;
  } = {},
) => {
  const gone = new AbortController();
  const { from: position = {}, mayStillRead = () => Promise.resolve(true), dialect = "v2" } = more;
  const stream = subscribe(
    { runtime: time.runtime, limits, pull, hub },
    {
      from: { ...from, ...position },
      encode: ({ records }) => Buffer.from(records.map(({ key }) => key).join()),
      dialect,
      mayStillRead,
      signal: gone.signal,
    },
  );
  return { stream, gone };
};

/** Takes frames until the stream ends. */
const collect = (stream: AsyncGenerator<Frame>) => {
  const frames: Frame[] = [];
  let end: "ended" | Error | null = null;
  const run = async (): Promise<void> => {
    try {
      for await (const frame of stream) frames.push(frame);
      end = "ended";
    } catch (error) {
      end = error as Error;
    }
  };
  void run();
  return {
    frames,
    keys: () => frames.flatMap(({ answer }) => answer.records.map(({ key }) => key)),
    end: () => end,
  };
};

const keysOf = (frame: Frame | undefined): readonly string[] | undefined =>
  frame?.answer.records.map(({ key }) => key);

describe("no wake-up is lost", () => {
  test.each(["before", "after"] as const)(
    "[LIVE-3] a commit %s the read of a catch-up is sent, once",
    async (place) => {
      const setting = setUp();
      await setting.commit("a");
      let isDone = false;
      setting.hooks[place] = async () => {
        if (isDone) return;
        isDone = true;
        await setting.commit("b");
      };
      const { keys } = collect(follow(setting).stream);
      await setting.time.settle();
      expect(keys()).toEqual(["a", "b"]);
    },
  );

  test.each(["before", "after"] as const)(
    "[LIVE-3] a commit %s the read at the tip is sent, once, also to those who share the read",
    async (place) => {
      const setting = setUp();
      await setting.commit("a");
      const followers = Array.from({ length: 3 }, () => collect(follow(setting).stream));
      await setting.time.settle();
      let isDone = false;
      setting.hooks[place] = async () => {
        if (isDone) return;
        isDone = true;
        await setting.commit("c");
      };
      await setting.commit("b");
      await setting.time.settle();
      expect(isDone).toBe(true);
      expect(followers.map(({ keys }) => keys())).toEqual(followers.map(() => ["a", "b", "c"]));
    },
  );

  test("[LIVE-3] a commit while a frame is being taken is sent next", async () => {
    const setting = setUp();
    const { stream } = follow(setting);
    expect(keysOf((await stream.next()).value as Frame)).toEqual([]);
    await setting.commit("a");
    expect(keysOf((await stream.next()).value as Frame)).toEqual(["a"]);
    await setting.commit("b");
    await setting.commit("c");
    expect(keysOf((await stream.next()).value as Frame)).toEqual(["b", "c"]);
  });

  test("[LIVE-3] a commit while the caller is authorized again is sent", async () => {
    const setting = setUp();
    const mayStillRead = async (): Promise<boolean> => {
      await setting.commit("a");
      return true;
    };
    const { keys } = collect(follow(setting, { mayStillRead }).stream);
    await setting.time.advance(AUTHORIZE_MS);
    expect(keys()).toEqual(["a"]);
  });

  test("[LIVE-3] a commit whose hint is lost is found when the stream looks again, idle", async () => {
    const setting = setUp();
    const silent = { ...setting, hub: createHub<Frame>(setting.time.runtime, IDLE_MS) };
    const { keys } = collect(follow(silent).stream);
    await setting.time.advance(IDLE_MS);
    await setting.commit("a");
    await setting.time.advance(2 * IDLE_MS);
    expect(keys()).toEqual(["a"]);
  });
});

describe("catching up", () => {
  test("[LIVE-10] the frame that ends it comes at once even if it holds no record, with the digest", async () => {
    const setting = setUp();
    const { frames } = collect(follow(setting).stream);
    await setting.time.settle();
    expect(frames.map(({ answer }) => answer)).toEqual([
      {
        reset: null,
        records: [],
        more: false,
        cursor: null,
        digest: { at: 0, collections: expect.any(Map) },
      },
    ]);
  });

  test("[LIVE-9] goes page by page, the digest on the last, and nothing is sent twice after it", async () => {
    const setting = setUp();
    for (const key of ["a", "b", "c", "d"]) await setting.commit(key);
    const { frames } = collect(follow(setting, { from: { limit: 2 } }).stream);
    await setting.time.settle();
    expect(frames.map(keysOf)).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(frames.map(({ answer }) => answer.digest?.at)).toEqual([undefined, 4]);
    await setting.commit("e");
    await setting.time.settle();
    expect(frames.slice(2).map(keysOf)).toEqual([["e"]]);
  });

  test("[LIVE-9] an offer run is carried through to its end: every tombstone is sent, on later pages too", async () => {
    const setting = setUp();
    for (const key of ["a", "b", "c"]) await setting.commit(key, { value: null });
    const { frames } = collect(follow(setting, { from: { cursor: "?", limit: 1 } }).stream);
    await setting.time.settle();
    expect(frames.map(keysOf)).toEqual([["a"], ["b"], ["c"]]);
    expect(frames.map(({ answer }) => answer.reset)).toEqual(["offer", null, null]);
  });

  test("a run from the beginning sends no tombstone from below its start, and those above it", async () => {
    const setting = setUp();
    await setting.commit("a");
    await setting.commit("b", { value: null });
    const { frames } = collect(follow(setting).stream);
    await setting.time.settle();
    await setting.commit("a", { value: null });
    await setting.time.settle();
    expect(frames.map(keysOf)).toEqual([["a"], ["a"]]);
  });

  test("[LIVE-9] an ack that is not valid here resets once, not at every frame", async () => {
    const setting = setUp();
    await setting.commit("a");
    const { frames } = collect(follow(setting, { from: { ack: "a1.elsewhere.7" } }).stream);
    await setting.time.settle();
    await setting.commit("b");
    await setting.time.settle();
    expect(frames.map(({ answer }) => answer.reset)).toEqual(["offer", null]);
  });
});

describe("idle streams", () => {
  test("[LIVE-10] send cursor and digest every streamIdleMs", async () => {
    const setting = setUp();
    await setting.commit("a");
    const { frames } = collect(follow(setting).stream);
    await setting.time.advance(IDLE_MS - 1);
    expect(frames).toHaveLength(1);
    await setting.time.advance(1);
    expect(frames).toHaveLength(2);
    expect(frames[1]?.answer).toEqual({ ...frames[0]?.answer, records: [] });
    expect(frames[1]?.answer.digest?.at).toBe(1);
    await setting.time.advance(IDLE_MS);
    expect(frames).toHaveLength(3);
  });

  test("[LIVE-10] a change puts the idle frame off", async () => {
    const setting = setUp();
    const { frames } = collect(follow(setting).stream);
    await setting.time.advance(IDLE_MS - 1);
    await setting.commit("a");
    await setting.time.advance(IDLE_MS - 1);
    expect(frames.map(keysOf)).toEqual([[], ["a"]]);
    await setting.time.advance(1);
    expect(frames.map(keysOf)).toEqual([[], ["a"], []]);
  });

  test("[LIVE-10] a stream whose collections nobody writes to advances while others are busy", async () => {
    const setting = setUp();
    const { frames } = collect(follow(setting, { from: { collections: [batches] } }).stream);
    for (let round = 0; round < 4; round += 1) {
      await setting.time.advance(IDLE_MS / 2);
      await setting.commit(`r${round}`);
    }
    await setting.time.settle();
    // At the second round's look the idle time is over; the next begins there.
    expect(frames.map(({ answer }) => answer.digest?.at)).toEqual([0, 1, 3]);
  });
});

describe("authorization", () => {
  const asked = (answer: (times: number) => boolean | Error) => {
    const at: number[] = [];
    const ask = (setting: Setting) => async (): Promise<boolean> => {
      at.push(setting.time.elapsedMs);
      const said = answer(at.length);
      if (said instanceof Error) throw said;
      return said;
    };
    return { at, ask };
  };

  test("[LIVE-14] is asked again at least every streamAuthorizeMs of an idle stream", async () => {
    const setting = setUp();
    const { at, ask } = asked(() => true);
    collect(follow(setting, { mayStillRead: ask(setting) }).stream);
    await setting.time.advance(3 * AUTHORIZE_MS);
    expect(at).toEqual([AUTHORIZE_MS, 2 * AUTHORIZE_MS, 3 * AUTHORIZE_MS]);
  });

  test("[LIVE-14] is asked as often of a busy one, and no oftener", async () => {
    const setting = setUp();
    const { at, ask } = asked(() => true);
    const { keys } = collect(follow(setting, { mayStillRead: ask(setting) }).stream);
    for (let round = 0; round < 15; round += 1) {
      await setting.time.advance(10_000);
      await setting.commit(`r${round}`);
    }
    await setting.time.settle();
    expect(keys()).toHaveLength(15);
    expect(at).toEqual([AUTHORIZE_MS, 2 * AUTHORIZE_MS]);
  });

  test("[LIVE-14] a no ends the stream before anything more is read", async () => {
    const setting = setUp();
    const { ask } = asked(() => false);
    const { end, keys } = collect(follow(setting, { mayStillRead: ask(setting) }).stream);
    await setting.time.advance(AUTHORIZE_MS - 1);
    expect(end()).toBeNull();
    const pulls = setting.pulls();
    setting.time.runtime.after(1, () => void setting.commit("secret"));
    await setting.time.advance(1);
    expect(end()).toBe("ended");
    expect(keys()).toEqual([]);
    expect(setting.pulls()).toBe(pulls);
    expect(setting.hub.spaces()).toBe(0);
  });

  test("[LIVE-14] a no is heard between two pages of a catch-up that its reader draws out", async () => {
    const setting = setUp();
    for (const key of ["a", "b"]) await setting.commit(key);
    const { stream } = follow(setting, {
      from: { limit: 1 },
      mayStillRead: () => Promise.resolve(false),
    });
    await stream.next();
    await setting.time.advance(AUTHORIZE_MS);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("an authorization that fails breaks the stream, and leaves no listener", async () => {
    const setting = setUp();
    const { ask } = asked(() => new Error("no luck"));
    const { end } = collect(follow(setting, { mayStillRead: ask(setting) }).stream);
    await setting.time.advance(AUTHORIZE_MS);
    expect(end()).toEqual(new Error("no luck"));
    expect(setting.hub.spaces()).toBe(0);
  });
});

describe("what many share", () => {
  test("[LIVE-11] 200 subscribers at the tip cost one read a commit, and get the same bytes", async () => {
    const setting = setUp();
    await setting.commit("a");
    const followers = Array.from({ length: 200 }, () => collect(follow(setting).stream));
    await setting.time.settle();
    const pulls = setting.pulls();
    await setting.commit("b");
    await setting.time.settle();
    expect(setting.pulls()).toBe(pulls + 1);
    expect(new Set(followers.map(({ frames }) => frames[1]?.body)).size).toBe(1);
    expect(followers.map(({ keys }) => keys())).toEqual(followers.map(() => ["a", "b"]));
  });

  test("[LIVE-11] idle they cost one read between them", async () => {
    const setting = setUp();
    const followers = Array.from({ length: 200 }, () => collect(follow(setting).stream));
    await setting.time.settle();
    const pulls = setting.pulls();
    await setting.time.advance(IDLE_MS);
    expect(followers.every(({ frames }) => frames.length === 2)).toBe(true);
    expect(setting.pulls()).toBe(pulls + 1);
  });

  test("[LIVE-11] other dialects, collections and limits are other places", async () => {
    const setting = setUp();
    await setting.commit("a");
    const all = [
      follow(setting),
      follow(setting, { dialect: "v1" }),
      follow(setting, { from: { collections: [readings] } }),
      follow(setting, { from: { collections: [batches] } }),
      follow(setting, { from: { limit: 1 } }),
    ].map(({ stream }) => collect(stream));
    await setting.time.settle();
    const pulls = setting.pulls();
    await setting.commit("b");
    await setting.time.settle();
    expect(setting.pulls()).toBe(pulls + all.length);
    expect(all.map(({ keys }) => keys())).toEqual([
      ["a", "b"],
      ["a", "b"],
      ["a", "b"],
      [],
      ["a", "b"],
    ]);
  });

  test("[LIVE-11] so they are where there is no cursor yet: in a space that is not made", async () => {
    const setting = setUp();
    const all = [
      follow(setting, { from: { collections: [batches] } }),
      follow(setting, { from: { collections: [readings] } }),
      follow(setting),
    ].map(({ stream }) => collect(stream));
    await setting.time.settle();
    await setting.commit("a");
    await setting.commit("b", { collection: batches });
    await setting.time.settle();
    expect(all.map(({ keys }) => keys())).toEqual([["b"], ["a"], ["a", "b"]]);
  });
});

describe("a subscriber that is slow", () => {
  test("[LIVE-12] has one frame read ahead of it, whatever is committed, and goes on from its own place", async () => {
    const setting = setUp();
    const { stream } = follow(setting, { from: { limit: 10 } });
    await stream.next();
    const pulls = setting.pulls();
    for (let index = 0; index < 25; index += 1) await setting.commit(`r${index}`);
    await setting.time.advance(5 * IDLE_MS);
    expect(setting.pulls()).toBe(pulls);
    const frames = [await stream.next(), await stream.next(), await stream.next()];
    expect(frames.map(({ value }) => keysOf(value as Frame)?.length)).toEqual([10, 10, 5]);
  });
});

describe("the end", () => {
  test("[LIVE-15] an abort ends a stream that waits, and one that reads", async () => {
    const setting = setUp();
    const waiting = follow(setting);
    const idle = collect(waiting.stream);
    await setting.time.settle();
    waiting.gone.abort();
    await setting.time.settle();
    expect(idle.end()).toBe("ended");

    const reading = follow(setting);
    setting.hooks.before = async () => reading.gone.abort();
    const busy = collect(reading.stream);
    await setting.time.settle();
    expect(busy.end()).toBe("ended");
    expect(setting.hub.spaces()).toBe(0);
    expect(setting.time.timers).toBe(0);
  });

  test("[LIVE-15] one that was aborted before it began sends nothing", async () => {
    const setting = setUp();
    const { stream, gone } = follow(setting);
    gone.abort();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(setting.pulls()).toBe(0);
  });

  test("a reader that leaves while it holds a frame leaves no listener", async () => {
    const setting = setUp();
    const { stream } = follow(setting);
    await stream.next();
    await stream.return(undefined);
    expect(setting.hub.spaces()).toBe(0);
  });

  test("a read that fails breaks the stream, and leaves no listener", async () => {
    const setting = setUp();
    const { end } = collect(follow(setting).stream);
    await setting.time.settle();
    setting.hooks.before = () => Promise.reject(new Error("no luck"));
    await setting.commit("a");
    await setting.time.settle();
    expect(end()).toEqual(new Error("no luck"));
    expect(setting.hub.spaces()).toBe(0);
  });
});
