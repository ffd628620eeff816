import type { StoreTransaction } from "./client-store.ts";

/** A transaction as its body sees it, and what became of the calls that the body made. */
export type GuardedTransaction = {
  readonly transaction: StoreTransaction;
  /** Waits for the calls that the body did not wait for; rejects with the first failure of any call. */
  readonly settle: () => Promise<void>;
  /** From here on every call fails. */
  readonly end: () => void;
};

export const guardTransaction = (
  target: StoreTransaction,
  mode: "read" | "write",
): GuardedTransaction => {
  const running = new Set<Promise<unknown>>();
  let failure: { readonly error: unknown } | null = null;
  let hasEnded = false;

  const call = <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (hasEnded) return Promise.reject(new Error("the transaction has ended"));
    const result = work();
    running.add(result);
    const leave = (): void => void running.delete(result);
    result.then(leave, (error: unknown) => {
      failure ??= { error };
      leave();
    });
    return result;
  };
  const write = (work: () => Promise<void>): Promise<void> =>
    mode === "write"
      ? call(work)
      : call(() => Promise.reject(new Error("a reader can't write: use transact")));

  return {
    transaction: {
      getMeta: (names) => call(() => target.getMeta(names)),
      getRecords: (names) => call(() => target.getRecords(names)),
      scanRecords: (collection, scan) => call(() => target.scanRecords(collection, scan)),
      listCollections: () => call(() => target.listCollections()),
      getEntries: (ids) => call(() => target.getEntries(ids)),
      getEntriesOf: (names) => call(() => target.getEntriesOf(names)),
      scanOutbox: (after, limit) => call(() => target.scanOutbox(after, limit)),
      countOutbox: () => call(() => target.countOutbox()),
      getDeadLetter: (id) => call(() => target.getDeadLetter(id)),
      scanDeadLetters: (after, limit) => call(() => target.scanDeadLetters(after, limit)),
      countDeadLetters: () => call(() => target.countDeadLetters()),
      putMeta: (members) => write(() => target.putMeta(members)),
      putRecords: (records) => write(() => target.putRecords(records)),
      deleteRecords: (names) => write(() => target.deleteRecords(names)),
      putEntries: (entries) => write(() => target.putEntries(entries)),
      deleteEntries: (ids) => write(() => target.deleteEntries(ids)),
      putDeadLetters: (letters) => write(() => target.putDeadLetters(letters)),
      deleteDeadLetters: (ids) => write(() => target.deleteDeadLetters(ids)),
    },
    settle: async () => {
      while (running.size > 0) await Promise.allSettled(running);
      if (failure !== null) throw failure.error;
    },
    end: () => {
      hasEnded = true;
    },
  };
};
