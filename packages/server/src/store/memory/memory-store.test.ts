import { defaultLimits } from "@synchro/protocol";
import { expect, test } from "vitest";
import {
  at,
  declared,
  type OpenedStore,
  pullRun,
  pushTo,
  TestClock,
  write,
} from "../store-harness.contract.ts";
import { describeStoreContract } from "../store.contract.ts";
import type { StoreOptions } from "../store.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryStore } from "./memory-store.ts";

const openOver = (options: StoreOptions, disk: MemoryDisk): OpenedStore => {
  const store = new MemoryStore(options, disk);
  return {
    store,
    reopen: async (next) => {
      await store.close();
      return openOver(next, disk);
    },
    dispose: () => store.close(),
  };
};

describeStoreContract("MemoryStore", {
  open: async (options, ground) => {
    const disk = new MemoryDisk();
    if (ground !== undefined) disk.bytesMax = ground.bytesMax;
    return openOver(options, disk);
  },
});

const openKillable = (disk: MemoryDisk) => {
  const tasks: (() => void)[] = [];
  const runtime = { ...new TestClock().runtime, soon: (task: () => void) => void tasks.push(task) };
  const store = new MemoryStore({ runtime, collections: declared, limits: defaultLimits }, disk);
  return { store, tasks };
};

test("a push that waits for its commit is lost with its store, one that was committed is not", async () => {
  const disk = new MemoryDisk();
  const first = openKillable(disk);
  const done = pushTo(first.store, [write("a", at(1), {})]);
  for (const task of first.tasks.splice(0)) task();
  await done;
  void pushTo(first.store, [write("b", at(1), {})]);

  const second = openKillable(disk);
  expect((await pullRun(second.store)).records.map(({ key }) => key)).toEqual(["a"]);
});

test("a store that was killed commits nothing over its successor", async () => {
  const disk = new MemoryDisk();
  const first = openKillable(disk);
  const late = pushTo(first.store, [write("a", at(1), {})]);
  const second = openKillable(disk);
  for (const task of first.tasks) task();
  await expect(late).rejects.toThrow("another store has been opened over this disk");
  expect((await pullRun(second.store)).records).toEqual([]);
});

test("pushes that wait share one commit", async () => {
  const { store, tasks } = openKillable(new MemoryDisk());
  const pushes = [1, 2, 3].map((n) => pushTo(store, [write(`k${n}`, at(n), {})]));
  expect(tasks).toHaveLength(1);
  tasks[0]?.();
  expect((await Promise.all(pushes)).map(({ position }) => position.seq)).toEqual([1, 2, 3]);
});
