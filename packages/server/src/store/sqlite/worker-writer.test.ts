import { rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { at, declared, pullRequest, pushTo, TestClock, write } from "../store-harness.contract.ts";
import { describeStoreContract } from "../store.contract.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";
import { createDataDir, fileHarness } from "./sqlite-harness.contract.ts";
import { WorkerWriter } from "./worker-writer.ts";

describeStoreContract("SqliteStore written in a thread of its own", fileHarness("worker"));

describe("the writer's thread", () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = createDataDir();
  });

  afterEach(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  const openWatched = async () => {
    const posted = vi.spyOn(Worker.prototype, "postMessage");
    const fatal: Error[] = [];
    const store = await openSqliteStore({
      runtime: new TestClock().runtime,
      collections: declared,
      limits: defaultLimits,
      dataDir,
      writer: "worker",
      bytesMax: null,
      onFatal: (error) => fatal.push(error),
    });
    await pushTo(store, [write("a", at(1), {})]);
    const thread = posted.mock.contexts.at(-1);
    if (!(thread instanceof Worker)) throw new Error("no message was sent to a thread");
    return { store, fatal, thread, posted };
  };

  test("that ends by itself ends the store: told once, reads still answer, writes are refused", async () => {
    const { store, fatal, thread } = await openWatched();
    await thread.terminate();
    await vi.waitFor(() => expect(fatal).toHaveLength(1));
    expect(fatal[0]?.message).toContain("the writer's thread ended");
    await expect(pushTo(store, [write("b", at(1), {})])).rejects.toThrow("the store is closed");
    expect((await store.pull(pullRequest())).records).toHaveLength(1);
    await store.close();
    expect(fatal).toHaveLength(1);
  });

  test("that ends in the middle of a group leaves it unanswered: it is refused, never acknowledged", async () => {
    const { store, fatal, thread, posted } = await openWatched();
    posted.mockImplementationOnce(() => {
      void thread.terminate();
    });
    const pushes = [1, 2, 3].map((n) => pushTo(store, [write(`k${n}`, at(1), {})]));
    for (const outcome of await Promise.allSettled(pushes)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "StoreClosedError" } });
    }
    expect(fatal).toHaveLength(1);
    await store.close();
  });

  test("that can't open its file says so to whoever starts it", async () => {
    const data = {
      path: join(dataDir, "missing", "synchro.db"),
      bytesMax: null,
      epoch: "e" as never,
      collections: declared,
      limits: defaultLimits,
    };
    await expect(WorkerWriter.start(data, () => {})).rejects.toThrow("unable to open");
  });
});
