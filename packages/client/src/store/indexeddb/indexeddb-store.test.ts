// oxlint-disable-next-line import/no-unassigned-import -- it puts the names of IndexedDB in place
import "fake-indexeddb/auto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { describeClientStore } from "../client-store.contract.ts";
import { dump, record, type StoreHarness } from "../client-store-harness.contract.ts";
import { resultOf } from "./database.ts";
import { openIndexedDbStore } from "./open-indexeddb-store.ts";

const createClientId = (): string => "c_1";
let names = 0;
const newName = (): string => `store-${(names += 1)}`;

/** What a browser does over quota: the write fails, and takes its transaction along. */
const failPuts = (): void => {
  vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
    throw new DOMException("no room", "QuotaExceededError");
  });
};

const createHarness = async (): Promise<StoreHarness> => {
  const name = newName();
  return {
    open: (options) => openIndexedDbStore({ name, createClientId, ...options }),
    setFull: (isFull) => (isFull ? failPuts() : vi.restoreAllMocks()),
    makeNewer: async () => {
      const database = await resultOf(indexedDB.open(name, 99));
      database.close();
    },
    cleanUp: async () => {
      vi.restoreAllMocks();
    },
  };
};

describeClientStore("indexeddb", createHarness);

describe("the browser", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("may say only at the commit that there is no room: nothing was applied", async () => {
    const store = await openIndexedDbStore({ name: newName(), createClientId });
    const aborted = vi.spyOn(IDBTransaction.prototype, "commit").mockImplementation(function (
      this: IDBTransaction & { _abort: (error: string) => void },
    ) {
      this._abort("QuotaExceededError");
    });
    const full = store.transact((transaction) => transaction.putRecords([record("a")]));
    await expect(full).rejects.toMatchObject({ name: "ClientStoreError", code: "full" });
    aborted.mockRestore();
    expect((await dump(store)).records).toEqual([]);
    await store.transact((transaction) => transaction.putRecords([record("b")]));
    expect((await dump(store)).records).toEqual([record("b")]);
    await store.close();
  });

  test.each(["strict", "relaxed"] as const)("is asked for %s durability", async (durability) => {
    const store = await openIndexedDbStore({ name: newName(), createClientId });
    const asked = vi.spyOn(IDBDatabase.prototype, "transaction");
    await store.transact((transaction) => transaction.putRecords([record("a")]), durability);
    expect(asked).toHaveBeenCalledWith(expect.anything(), "readwrite", { durability });
    await store.close();
  });

  test("is given way to when another tab upgrades or deletes the data: the store says that it is lost", async () => {
    const name = newName();
    const onLost = vi.fn<(error: Error) => void>();
    const store = await openIndexedDbStore({ name, createClientId, onLost });
    const other = await openIndexedDbStore({ name, createClientId });
    await other.destroy();
    expect(onLost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "lost" }));
    await expect(dump(store)).rejects.toMatchObject({ code: "lost" });
    await store.close();
  });

  test("may close the connection without a word: the store says that it is lost", async () => {
    const onLost = vi.fn<(error: Error) => void>();
    const store = await openIndexedDbStore({ name: newName(), createClientId, onLost });
    const begin = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
      throw new DOMException("the connection is closing", "InvalidStateError");
    });
    await expect(dump(store)).rejects.toMatchObject({ code: "lost" });
    begin.mockRestore();
    await expect(dump(store)).rejects.toMatchObject({ code: "lost" });
    expect(onLost).toHaveBeenCalledOnce();
    await store.close();
  });

  test("holds a database of that name that is no store: refused, and not touched", async () => {
    const name = newName();
    const opening = indexedDB.open(name, 1);
    opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore("notes"));
    const foreign = await resultOf(opening);
    foreign.close();
    await expect(openIndexedDbStore({ name, createClientId })).rejects.toMatchObject({
      code: "foreign_file",
    });
    const again = await resultOf(indexedDB.open(name));
    expect([...again.objectStoreNames]).toEqual(["notes"]);
    again.close();
  });
});
