import type { SpaceId, Stamp } from "@synchro/core";
import { describe, expect, test } from "vitest";
import { at, space, start, write } from "../store-harness.contract.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { Writer, WriteRequest, WriteResult } from "./write-request.ts";

const pushOf = (key: string, bytes = 1): WriteRequest => ({
  kind: "push",
  push: {
    space,
    changes: [{ ...write(key, at(1), {}), value: "x".repeat(bytes) }],
    checksClocks: true,
    clientId: null,
    now: start,
  },
});

const keyOf = (request: WriteRequest): string => {
  if (request.kind !== "push") return request.kind;
  const [change] = request.push.changes;
  return change?.kind === "write" ? change.key : "?";
};

/** A writer whose commits end when the test says so. */
const createWriter = () => {
  const groups: (readonly string[])[] = [];
  const pending: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const writer: Writer = {
    commit: (group) => {
      groups.push(group.map(keyOf));
      return new Promise((resolve, reject) => {
        pending.push({
          end: () => resolve(group.map((): WriteResult => ({ kind: "full" }))),
          fail: reject,
        });
      });
    },
    close: async () => {},
  };
  return { writer, groups, pending };
};

const createQueue = (writer: Writer) => {
  const fatal: Error[] = [];
  const queue = new CommitQueue(
    writer,
    (task) => void setImmediate(task),
    (error) => fatal.push(error),
  );
  return { queue, fatal };
};

/** Long enough for everything that is ready to have happened. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
};

describe("a commit queue", () => {
  test("says that nothing is being written only when its writer has answered, and never again once that has failed", async () => {
    const { writer, pending } = createWriter();
    const { queue } = createQueue(writer);
    expect(queue.settledGroups).toBe(0);
    const first = queue.submit(pushOf("a"));
    expect(queue.settledGroups).toBe(0);
    await settle();
    expect(queue.settledGroups).toBeNull();
    pending[0]?.end();
    // Whoever is told of a commit finds that there was one.
    await first.then(() => expect(queue.settledGroups).toBe(1));
    const second = queue.submit(pushOf("b"));
    await settle();
    pending[1]?.fail(new Error("no disk"));
    await expect(second).rejects.toThrow("the store is closed");
    expect(queue.settledGroups).toBeNull();
  });

  test("[STORE-3] what comes while a group commits goes together in the next, in order", async () => {
    const { writer, groups, pending } = createWriter();
    const { queue } = createQueue(writer);
    const done: string[] = [];
    const submit = (key: string): void => {
      void queue.submit(pushOf(key)).then(() => done.push(key));
    };
    submit("a");
    submit("b");
    await settle();
    expect(groups).toEqual([["a", "b"]]);
    submit("c");
    void queue.submit({ kind: "purge", space: "s" as SpaceId, cutoff: "" as Stamp, from: null });
    submit("d");
    await settle();
    expect(groups).toHaveLength(1);
    expect(done).toEqual([]);
    pending[0]?.end();
    await settle();
    expect(done).toEqual(["a", "b"]);
    expect(groups[1]).toEqual(["c", "purge", "d"]);
    pending[1]?.end();
    await settle();
    expect(done).toEqual(["a", "b", "c", "d"]);
  });

  test("a group is bounded by its requests and by its bytes, and holds at least one", async () => {
    const { writer, groups, pending } = createWriter();
    const { queue } = createQueue(writer);
    for (let count = 0; count < 600; count += 1) void queue.submit(pushOf(`${count}`));
    for (let count = 0; count < 3; count += 1) void queue.submit(pushOf(`big`, 5 * 1024 * 1024));
    void queue.submit(pushOf(`huge`, 20 * 1024 * 1024));
    void queue.submit(pushOf(`last`));
    for (let group = 0; group < 8; group += 1) {
      await settle();
      pending[group]?.end();
    }
    expect(groups.map((group) => group.length)).toEqual([256, 256, 89, 1, 1, 1, 1]);
    expect(groups.flat()).toHaveLength(605);
  });

  test("[STORE-7] when the writer is beyond use, nobody who waits is answered, and it is told once", async () => {
    const { writer, pending } = createWriter();
    const { queue, fatal } = createQueue(writer);
    const submit = (key: string): Promise<unknown> =>
      queue.submit(pushOf(key)).then(
        () => "answered",
        (reason: unknown) => reason,
      );
    const outcomes = ["a", "b"].map(submit);
    await settle();
    outcomes.push(submit("waits"));
    const error = new Error("the disk is gone");
    pending[0]?.fail(error);
    await settle();
    outcomes.push(submit("late"));
    queue.fail(new Error("and so is the thread"));
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome).toMatchObject({ name: "StoreClosedError", cause: error });
    }
    expect(fatal).toEqual([error]);
    await queue.close();
  });

  test("a writer that is lost while idle is told too", async () => {
    const { queue, fatal } = createQueue(createWriter().writer);
    queue.fail(new Error("the thread is gone"));
    expect(fatal).toHaveLength(1);
    await expect(queue.submit(pushOf("a"))).rejects.toThrow("the store is closed");
  });

  test("[STORE-17] close waits for all that has come and refuses the rest", async () => {
    const { writer, pending } = createWriter();
    const { queue, fatal } = createQueue(writer);
    const first = queue.submit(pushOf("a"));
    let isClosed = false;
    const closing = queue.close().finally(() => {
      isClosed = true;
    });
    await expect(queue.submit(pushOf("b"))).rejects.toThrow("the store is closed");
    await settle();
    expect(isClosed).toBe(false);
    pending[0]?.end();
    await closing;
    expect(await first).toEqual({ kind: "full" });
    expect(fatal).toEqual([]);
  });
});
