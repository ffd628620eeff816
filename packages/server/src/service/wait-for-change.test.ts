import type { CollectionName, SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { VirtualTime } from "../../testing/virtual-time.ts";
import { createHub } from "../live/hub.ts";
import type { Frame } from "./frame.ts";
import type { PullAnswer, PullInput } from "./pull.ts";
import { waitForChange } from "./wait-for-change.ts";

const space = "shop-1" as SpaceId;
const WAIT_MS = 30_000;

const from: PullInput = {
  space,
  cursor: "c0",
  ack: "a0",
  collections: null,
  tombstones: true,
  limit: 7,
};

const record = {} as PullAnswer["records"][number];

const answerOf = (cursor: string, more: Partial<PullAnswer> = {}): PullAnswer => ({
  reset: null,
  records: [],
  more: false,
  cursor: cursor as PullAnswer["cursor"],
  digest: { at: 0, collections: new Map<CollectionName, never>() },
  ...more,
});

/** A long poll over reads that a test scripts; the last of them is given for ever. */
const setUp = (...answers: readonly (PullAnswer | Error)[]) => {
  const time = new VirtualTime();
  const hub = createHub<Frame>(time.runtime, WAIT_MS);
  const inputs: PullInput[] = [];
  const hooks = {
    duringRead: (): Promise<void> | void => {},
    mayStillRead: () => Promise.resolve(true),
  };
  const pull = async (input: PullInput): Promise<PullAnswer> => {
    inputs.push(input);
    const answer = answers[Math.min(inputs.length, answers.length) - 1];
    await hooks.duringRead();
    if (answer instanceof Error) throw answer;
    return answer ?? answerOf("c0");
  };
  const gone = new AbortController();
  let outcome: PullAnswer | Error | "refused" | null = null;
  const start = (waitMs = WAIT_MS): void => {
    const waiting = waitForChange(
      { runtime: time.runtime, limits: defaultLimits, pull, hub },
      { from, waitMs, mayStillRead: hooks.mayStillRead, signal: gone.signal },
    );
    waiting.then(
      (answer) => (outcome = answer ?? "refused"),
      (error: unknown) => (outcome = error as Error),
    );
  };
  return { time, hub, hooks, inputs, gone, start, outcome: () => outcome };
};

const expectAtRest = ({ time, hub }: ReturnType<typeof setUp>): void => {
  expect(hub.spaces()).toBe(0);
  expect(time.timers).toBe(0);
};

describe("answers at once", () => {
  test.each([
    ["a record matches", answerOf("c1", { records: [record] })],
    ["more is left", answerOf("c1", { more: true, digest: null })],
    ["a reset is due", answerOf("c1", { reset: "offer" })],
  ])("[LIVE-2] if %s", async (_, answer) => {
    const setting = setUp(answer);
    setting.start();
    await setting.time.settle();
    expect(setting.outcome()).toBe(answer);
    expect(setting.inputs).toEqual([from]);
    expectAtRest(setting);
  });

  test("[LIVE-2] if there is no time to wait", async () => {
    const setting = setUp(answerOf("c1"));
    setting.start(0);
    await setting.time.settle();
    expect(setting.outcome()).toEqual(answerOf("c1"));
    expectAtRest(setting);
  });

  test("if the client has gone, or the server is stopping", async () => {
    const setting = setUp(answerOf("c1"));
    setting.gone.abort();
    setting.start();
    await setting.time.settle();
    expect(setting.outcome()).toEqual(answerOf("c1"));
    expectAtRest(setting);
  });
});

describe("waits", () => {
  test("[LIVE-2] until the time is over, and answers with the cursor of a last look", async () => {
    const setting = setUp(answerOf("c1"), answerOf("c2"));
    setting.start();
    await setting.time.advance(WAIT_MS - 1);
    expect(setting.outcome()).toBeNull();
    await setting.time.advance(1);
    expect(setting.outcome()).toEqual(answerOf("c2"));
    expectAtRest(setting);
  });

  test("[LIVE-2] for a commit, and on if nothing in it matches, from where it has looked", async () => {
    const match = answerOf("c3", { records: [record] });
    const setting = setUp(answerOf("c1"), answerOf("c2"), match);
    setting.start();
    await setting.time.advance(10);
    setting.hub.announce(space);
    await setting.time.advance(10);
    expect(setting.outcome()).toBeNull();
    setting.hub.announce(space);
    await setting.time.settle();
    expect(setting.outcome()).toBe(match);
    expect(setting.inputs.map(({ cursor }) => cursor)).toEqual(["c0", "c1", "c2"]);
    expectAtRest(setting);
  });

  test("[LIVE-2] no longer because of commits that don't match", async () => {
    const setting = setUp(answerOf("c1"));
    setting.start();
    for (let round = 0; round < 29; round += 1) {
      await setting.time.advance(1_000);
      setting.hub.announce(space);
    }
    await setting.time.advance(999);
    expect(setting.outcome()).toBeNull();
    await setting.time.advance(1);
    expect(setting.outcome()).toEqual(answerOf("c1"));
  });

  test("[LIVE-3] not if a commit came during the look", async () => {
    const setting = setUp(answerOf("c1"), answerOf("c2", { records: [record] }));
    setting.hooks.duringRead = () => setting.hub.announce(space);
    setting.start();
    await setting.time.settle();
    expect(setting.outcome()).toEqual(answerOf("c2", { records: [record] }));
  });

  test("[LIVE-2] for a reset too", async () => {
    const setting = setUp(answerOf("c1"), answerOf("c2", { reset: "drop" }));
    setting.start();
    await setting.time.settle();
    setting.hub.announce(space);
    await setting.time.settle();
    expect(setting.outcome()).toEqual(answerOf("c2", { reset: "drop" }));
  });

  test("[LIVE-15] until the server stops, and then answers with an advanced cursor", async () => {
    const setting = setUp(answerOf("c1"), answerOf("c2"));
    setting.start();
    await setting.time.advance(10);
    setting.gone.abort();
    await setting.time.settle();
    expect(setting.outcome()).toEqual(answerOf("c2"));
    expectAtRest(setting);
  });

  test("in one run: it asks again without the ack, which is proved, and with no tombstones, for the run is over", async () => {
    const setting = setUp(answerOf("c1"));
    setting.start();
    await setting.time.advance(WAIT_MS);
    expect(setting.inputs).toEqual([from, { ...from, cursor: "c1", ack: null, tombstones: false }]);
  });
});

describe("[LIVE-14] whose caller may no longer read", () => {
  test("ends at the first question that is answered with no, and leaves no listener", async () => {
    const setting = setUp(answerOf("c1"));
    let asked = 0;
    setting.hooks.mayStillRead = () => {
      asked += 1;
      return Promise.resolve(asked < 3);
    };
    setting.start();
    await setting.time.advance(3 * defaultLimits.streamAuthorizeMs - 1);
    expect([asked, setting.outcome()]).toEqual([2, null]);
    await setting.time.advance(1);
    expect([asked, setting.outcome()]).toEqual([3, "refused"]);
    expect(setting.inputs).toHaveLength(1);
    expectAtRest(setting);
  });

  test("is given nothing that was read while the time to ask came", async () => {
    const setting = setUp(answerOf("c1", { records: [record] }));
    setting.hooks.mayStillRead = () => Promise.resolve(false);
    setting.hooks.duringRead = () => setting.time.advance(defaultLimits.streamAuthorizeMs);
    setting.start();
    await setting.time.settle();
    await setting.time.settle();
    expect(setting.outcome()).toBe("refused");
    expectAtRest(setting);
  });
});

test("a look that fails fails the poll, and leaves no listener", async () => {
  const setting = setUp(answerOf("c1"), new Error("no luck"));
  setting.start();
  await setting.time.settle();
  setting.hub.announce(space);
  await setting.time.settle();
  expect(setting.outcome()).toEqual(new Error("no luck"));
  expectAtRest(setting);
});

test("[LIVE-2] a commit costs 200 that wait at one place one look between them", async () => {
  const match = answerOf("c2", { records: [record] });
  const time = new VirtualTime();
  const hub = createHub<Frame>(time.runtime, WAIT_MS);
  let looks = 0;
  const pull = async ({ cursor }: PullInput): Promise<PullAnswer> => {
    looks += 1;
    return cursor === "c0" ? answerOf("c1") : match;
  };
  const never = new AbortController().signal;
  const polls = Array.from({ length: 200 }, () =>
    waitForChange(
      { runtime: time.runtime, limits: defaultLimits, pull, hub },
      { from, waitMs: WAIT_MS, mayStillRead: () => Promise.resolve(true), signal: never },
    ),
  );
  await time.settle();
  expect(looks).toBe(200);
  hub.announce(space);
  for (const poll of polls) expect(await poll).toBe(match);
  expect(looks).toBe(201);
});
