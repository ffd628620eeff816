import type { SpaceId } from "@synchro/core";
import { expect, test } from "vitest";
import { at, otherSpace, space, start, write } from "../store-harness.contract.ts";
import { StoreUnavailableError } from "../store-unavailable-error.ts";
import type { StorePush } from "../store.ts";
import type { GroupOutcome } from "./plan-group.ts";
import { PushQueue, type PushQueueLimits } from "./push-queue.ts";

const pushOf = (key: string, of: SpaceId = space, text = ""): StorePush => ({
  space: of,
  changes: [write(key, at(1), { text })],
  checksClocks: true,
  clientId: null,
  now: start,
});

type Commit = {
  readonly space: SpaceId;
  readonly keys: readonly string[];
  readonly end: (outcomes?: readonly GroupOutcome[]) => void;
  readonly fail: (error: Error) => void;
};

const keysOf = (pushes: readonly StorePush[]): readonly string[] =>
  pushes.flatMap(({ changes }) => changes.map((change) => ("key" in change ? change.key : "")));

/** A queue whose commits a test ends by hand. */
const openQueue = (
  limits: Partial<PushQueueLimits> = {},
): { readonly queue: PushQueue; readonly commits: Commit[] } => {
  const commits: Commit[] = [];
  const commit = (of: SpaceId, pushes: readonly StorePush[]): Promise<readonly GroupOutcome[]> =>
    new Promise((resolve, reject) => {
      const full = pushes.map((): GroupOutcome => ({ kind: "full" }));
      commits.push({
        space: of,
        keys: keysOf(pushes),
        end: (outcomes = full) => resolve(outcomes),
        fail: reject,
      });
    });
  const all = { spacesMax: 2, pushesMax: 100, unitsMax: 1_000_000, ...limits };
  return { queue: new PushQueue(commit, setImmediate, all), commits };
};

const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });

test("what is too much is refused at once: by number, and by size", async () => {
  const few = openQueue({ pushesMax: 2 });
  const waiting = [few.queue.submit(pushOf("a")), few.queue.submit(pushOf("b"))];
  await expect(few.queue.submit(pushOf("c"))).rejects.toThrow(StoreUnavailableError);
  await settle();
  few.commits[0]?.end();
  await Promise.all(waiting);
  // There is room again.
  const later = few.queue.submit(pushOf("d"));
  await settle();
  few.commits[1]?.end();
  expect(await later).toEqual({ kind: "full" });

  const small = openQueue({ unitsMax: 3_000 });
  const first = small.queue.submit(pushOf("a"));
  await expect(small.queue.submit(pushOf("b", space, "x".repeat(3_000)))).rejects.toMatchObject({
    reason: "busy",
  });
  await settle();
  small.commits[0]?.end();
  await first;
  // One that is larger than all that may wait is taken alone, or it would be refused for ever.
  const large = small.queue.submit(pushOf("b", space, "x".repeat(3_000)));
  await settle();
  small.commits[1]?.end();
  expect(await large).toEqual({ kind: "full" });
});

test("[STORE-3] what waits for a space goes together, in order, when its turn comes", async () => {
  const { queue, commits } = openQueue();
  const all = ["a", "b"].map((key) => queue.submit(pushOf(key)));
  await settle();
  all.push(...["c", "d", "e"].map((key) => queue.submit(pushOf(key))));
  await settle();
  expect(commits.map(({ keys }) => keys)).toEqual([["a", "b"]]);
  commits[0]?.end();
  await settle();
  expect(commits.map(({ keys }) => keys)).toEqual([
    ["a", "b"],
    ["c", "d", "e"],
  ]);
  commits[1]?.end();
  expect(await Promise.all(all)).toHaveLength(5);
});

test("a bounded number of spaces is written to at once, and they take turns", async () => {
  const { queue, commits } = openQueue({ spacesMax: 1 });
  const first = queue.submit(pushOf("a"));
  const second = queue.submit(pushOf("x", otherSpace));
  await settle();
  const third = queue.submit(pushOf("b"));
  expect(commits.map(({ space: of }) => of)).toEqual([space]);
  commits[0]?.end();
  await settle();
  expect(commits.map(({ space: of }) => of)).toEqual([space, otherSpace]);
  commits[1]?.end();
  await settle();
  expect(commits.map(({ space: of }) => of)).toEqual([space, otherSpace, space]);
  commits[2]?.end();
  await Promise.all([first, second, third]);
});

test("a commit that fails fails its pushes, and no others", async () => {
  const { queue, commits } = openQueue();
  const first = queue.submit(pushOf("a"));
  const other = queue.submit(pushOf("x", otherSpace));
  await settle();
  const next = queue.submit(pushOf("b"));
  commits[0]?.fail(new Error("no"));
  await expect(first).rejects.toThrow("no");
  await settle();
  commits[1]?.end();
  commits[2]?.end([{ kind: "failed", error: new Error("alone") }]);
  expect(await other).toEqual({ kind: "full" });
  await expect(next).rejects.toThrow("alone");
});

test("[STORE-17] close waits for what has come, and lets nothing more in", async () => {
  const { queue, commits } = openQueue();
  const first = queue.submit(pushOf("a"));
  await settle();
  const second = queue.submit(pushOf("b"));
  let isClosed = false;
  const closing = queue.close().then(() => (isClosed = true));
  await expect(queue.submit(pushOf("c"))).rejects.toThrow("the store is closed");
  commits[0]?.end();
  await first;
  await settle();
  expect(isClosed).toBe(false);
  commits[1]?.end();
  await second;
  await closing;
});
