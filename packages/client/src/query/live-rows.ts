import type { CompiledQuery, KeyedRow } from "./compile-query.ts";
import { createLiveQuery, type LiveQuery, type RowChange } from "./live-query.ts";

/** Takes the rows that were read, or null where the read failed; of several reads the one that ends last counts. */
export type Load<Of> = (all: Iterable<KeyedRow<Of>> | null) => void;

/**
 * A live query with its listeners, from before its rows are read. Listeners hear of the rows in a
 * microtask, once for all that came together, and only of rows other than the last they heard of.
 */
export type LiveRows<Of> = {
  /** Null until rows were read. The same list as long as nothing that it shows changed. */
  readonly rows: () => readonly Of[] | null;
  /**
   * To be called before the collection is read, for the first time or anew; what it answers takes the
   * rows. Changes that come in between hold over what was read: none is lost, whichever came first.
   */
  readonly beginLoad: () => Load<Of>;
  /** Changes in the order in which they became durable. */
  readonly apply: (changes: readonly RowChange<Of>[]) => void;
  /** Calls `listener` with the rows once there are some, and whenever they change. Answers how to stop it. */
  readonly subscribe: (listener: (rows: readonly Of[]) => void) => () => void;
};

type Subscriber<Of> = {
  readonly listener: (rows: readonly Of[]) => void;
  heard: readonly Of[] | null;
};

/** @param onError hears of what a listener throws; the others are called all the same. */
export const createLiveRows = <Of extends object>(
  query: CompiledQuery<Of>,
  onError: (error: unknown) => void,
): LiveRows<Of> => {
  const subscribers = new Set<Subscriber<Of>>();
  const changesByLoad = new Map<object, RowChange<Of>[]>();
  let live: LiveQuery<Of> | null = null;
  let isScheduled = false;

  const tell = (subscriber: Subscriber<Of>, rows: readonly Of[]): void => {
    if (subscriber.heard === rows) return;
    subscriber.heard = rows;
    try {
      subscriber.listener(rows);
    } catch (error) {
      onError(error);
    }
  };
  const flush = (): void => {
    isScheduled = false;
    const rows = live?.rows() ?? null;
    if (rows === null) return;
    // A set is walked as it changes: who was just taken off is not called any more.
    for (const subscriber of subscribers) tell(subscriber, rows);
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(flush);
  };

  return {
    rows: () => live?.rows() ?? null,
    beginLoad: () => {
      const load = {};
      changesByLoad.set(load, []);
      return (all) => {
        const changes = changesByLoad.get(load);
        if (changes === undefined) throw new Error("these rows were loaded before");
        changesByLoad.delete(load);
        if (all === null) return;
        if (live === null) live = createLiveQuery(query, all);
        else live.replace(all);
        live.apply(changes);
        schedule();
      };
    },
    apply: (changes) => {
      for (const since of changesByLoad.values()) since.push(...changes);
      if (live?.apply(changes).changed) schedule();
    },
    subscribe: (listener) => {
      const subscriber: Subscriber<Of> = { listener, heard: null };
      subscribers.add(subscriber);
      schedule();
      return () => void subscribers.delete(subscriber);
    },
  };
};
