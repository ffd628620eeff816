import { describe, expect, test } from "vitest";
import { describeClientStore } from "../client-store.contract.ts";
import { dump, record, type StoreHarness } from "../client-store-harness.contract.ts";
import { ClientDisk } from "./client-disk.ts";
import { openMemoryStore } from "./open-memory-store.ts";

const createClientId = (): string => "c_1";

const createHarness = async (): Promise<StoreHarness> => {
  const disk = new ClientDisk();
  return {
    open: (options) => openMemoryStore({ createClientId, disk, ...options }),
    setFull: (isFull) => {
      disk.isFull = isFull;
    },
    makeNewer: null,
    cleanUp: async () => {},
  };
};

describeClientStore("memory", createHarness);

describe("a store that was killed", () => {
  test("leaves nothing of the transaction that was under way, and writes nothing more", async () => {
    const disk = new ClientDisk();
    const killed = await openMemoryStore({ createClientId, disk });
    await killed.transact((transaction) => transaction.putRecords([record("a")]));
    let goOn = (): void => {};
    const stuck = killed.transact(async (transaction) => {
      await transaction.putRecords([record("a", { seq: 5 }), record("b")]);
      await transaction.putMeta({ generation: 3 });
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      await transaction.putRecords([record("c")]);
    });
    await new Promise((resolve) => setImmediate(resolve));

    const next = await openMemoryStore({ createClientId, disk });
    const before = await dump(next);
    expect(before.records).toEqual([record("a")]);
    expect(before.meta.generation).toBe(0);
    goOn();
    await expect(stuck).rejects.toMatchObject({ code: "lost" });
    await expect(dump(killed)).rejects.toMatchObject({ code: "lost" });
    expect(await dump(next)).toEqual(before);
  });
});
