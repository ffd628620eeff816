import type { Ack } from "@synchro/core";
import type { StoreTransaction } from "../../packages/client/src/store/client-store.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { realScripts } from "./real-scripts.ts";
import { unlessFull } from "./unless-full.ts";

type Apply = typeof realScripts.applyAnswer;
type Answer = Parameters<Apply>[1];
type Context = Parameters<Apply>[2];

const apply = realScripts.applyAnswer;

/** A client that applies answers in another way. */
const applyingBy = (applyAnswer: Apply) => (): ReturnType<PlantedBug["plant"]> => ({
  client: { scripts: { ...realScripts, applyAnswer } },
});

/** A client that applies another answer than it was given, or as if it had asked otherwise. */
const reading =
  (alter: (answer: Answer) => Answer, alterContext = (context: Context): Context => context) =>
  (): ReturnType<PlantedBug["plant"]> =>
    applyingBy((tx, answer, context, sha256) =>
      apply(tx, alter(answer), alterContext(context), sha256),
    )();

const without = (answer: Answer, name: "ack" | "digest"): Answer => {
  const { [name]: _, ...rest } = answer;
  return rest;
};

/** Hears which cursor a body would save, and saves nothing. */
const rehearsal = (
  tx: StoreTransaction,
  onCursor: (cursor: string | null) => void,
): StoreTransaction => {
  const nothing = async (): Promise<void> => {};
  return {
    ...tx,
    putMeta: async (members) => {
      if (members.cursor !== undefined) onCursor(members.cursor);
    },
    putRecords: nothing,
    deleteRecords: nothing,
    putEntries: nothing,
    deleteEntries: nothing,
    putDeadLetters: nothing,
    deleteDeadLetters: nothing,
  };
};

const CURSOR_SAVED = Symbol("the cursor was saved");

const cursorBeforeData: PlantedBug = {
  name: "cursor-before-data",
  rule: "CLIENT-12",
  does: "saves the cursor in a transaction of its own, before the records",
  plant: () => ({
    client: {
      store: (real) => ({
        ...real,
        transact: async (body, durability) => {
          const first = await real.transact(async (tx) => {
            let cursor: string | null | undefined;
            await body(rehearsal(tx, (saved) => (cursor = saved)));
            if (cursor === undefined) return body(tx);
            await tx.putMeta({ cursor: cursor as never });
            return CURSOR_SAVED;
          }, durability);
          return first === CURSOR_SAVED ? real.transact(body, durability) : first;
        },
      }),
    },
  }),
};

const ackOutsideTransaction: PlantedBug = {
  name: "ack-outside-the-transaction",
  rule: "CLIENT-3",
  does: "saves the ack in a transaction of its own, after the results",
  plant: () => {
    const acks = new WeakMap<StoreTransaction, Ack>();
    return {
      client: {
        scripts: {
          ...realScripts,
          applyAnswer: (tx, answer, context, sha256) => {
            if (answer.ack !== undefined) acks.set(tx, answer.ack as Ack);
            return apply(tx, without(answer, "ack"), context, sha256);
          },
        },
        store: (real) => ({
          ...real,
          transact: async (body, durability) => {
            let ack: Ack | undefined;
            const result = await real.transact(async (tx) => {
              const outcome = await body(tx);
              ack = acks.get(tx);
              return outcome;
            }, durability);
            const late = ack;
            if (late !== undefined) {
              await unlessFull(real.transact((tx) => tx.putMeta({ ack: late })));
            }
            return result;
          },
        }),
      },
    };
  },
};

const runNotBegun: PlantedBug = {
  name: "run-not-begun-for-a-new-space",
  rule: "CLIENT-17",
  does: "begins no generation for the first page of a space that was not there before",
  plant: applyingBy(async (tx, answer, context, sha256) => {
    const { lastSyncedAt } = await tx.getMeta(["lastSyncedAt"]);
    const beginsRun = context.beginsRun && lastSyncedAt === null;
    return apply(tx, answer, { ...context, beginsRun }, sha256);
  }),
};

const olderGeneration: PlantedBug = {
  name: "answer-of-an-older-generation",
  rule: "CLIENT-20",
  does: "applies answers to requests that were sent under an older generation",
  plant: applyingBy(async (tx, answer, context, sha256) => {
    const { generation } = await tx.getMeta(["generation"]);
    return apply(tx, answer, { ...context, sentUnder: generation }, sha256);
  }),
};

const sweepDropsPushed: PlantedBug = {
  name: "sweep-drops-what-was-pushed",
  rule: "CLIENT-18",
  does: "does not mark what `{seq}` confirms with the generation",
  plant: applyingBy((tx, answer, context, sha256) => {
    const told = new Set((answer.results ?? []).flatMap((one) => ("seq" in one ? [one.seq] : [])));
    const unmarked: StoreTransaction = {
      ...tx,
      putRecords: (records) =>
        tx.putRecords(
          records.map((record) =>
            told.has(record.seq) ? { ...record, mark: record.mark - 1 } : record,
          ),
        ),
    };
    return apply(unmarked, answer, context, sha256);
  }),
};

const moreIgnored: PlantedBug = {
  name: "more-ignored",
  rule: "CLIENT-18",
  does: "takes the first page of a run for the whole of it",
  plant: reading((answer) => (answer.more === true ? { ...answer, more: false } : answer)),
};

const resetLosesWork: PlantedBug = {
  name: "reset-loses-unsent-work",
  rule: "CLIENT-18",
  does: "empties the outbox at a reset",
  plant: applyingBy(async (tx, answer, context, sha256) => {
    const waiting = await tx.scanOutbox(0, 1_000_000);
    const applied = await apply(tx, answer, context, sha256);
    if (answer.reset !== undefined) await tx.deleteEntries(waiting.map(({ id }) => id));
    return applied;
  }),
};

const tombstonesNotOffered: PlantedBug = {
  name: "offers-without-tombstones",
  rule: "CLIENT-22",
  does: "offers no deletes after a restore",
  plant: applyingBy((tx, answer, context, sha256) => {
    const living: StoreTransaction = {
      ...tx,
      scanRecords: async (collection, scan) => {
        const records = await tx.scanRecords(collection, scan);
        return records.filter(({ value }) => value !== null);
      },
    };
    return apply(living, answer, context, sha256);
  }),
};

const tombstonesNotAsked: PlantedBug = {
  name: "tombstones-not-asked-for",
  rule: "CLIENT-21",
  does: "does not ask for tombstones in the later requests of an offer run",
  plant: () => ({
    client: {
      transport: (real) => ({
        sync: (body, signal) => real.sync(body.replace('"tombstones":true,', ""), signal),
        pull: (from, wait, signal) => real.pull({ ...from, tombstones: false }, wait, signal),
        readPages: (from, onPage, signal) =>
          real.readPages({ ...from, tombstones: false }, onPage, signal),
        follow: (from, onPage, signal) =>
          real.follow({ ...from, tombstones: false }, onPage, signal),
      }),
    },
  }),
};

const eventSkipped: PlantedBug = {
  name: "stream-event-skipped",
  rule: "CLIENT-15",
  does: "goes on with the next event of a stream when one could not be applied",
  plant: () => ({
    client: {
      transport: (real) => ({
        ...real,
        follow: (from, onPage, signal) =>
          real.follow(
            from,
            async (page) => {
              await onPage(page);
              return "go on";
            },
            signal,
          ),
      }),
    },
  }),
};

const ackLost: PlantedBug = {
  name: "ack-lost",
  rule: "CLIENT-3",
  does: "never saves an ack",
  plant: reading((answer) => without(answer, "ack")),
};

const digestNotCompared: PlantedBug = {
  name: "digest-not-compared",
  rule: "CLIENT-24",
  does: "compares no digest",
  plant: reading((answer) => without(answer, "digest")),
};

const offerTakenAsDrop: PlantedBug = {
  name: "offer-taken-as-drop",
  rule: "CLIENT-22",
  does: "offers nothing after a restore, as at a purge",
  plant: reading((answer) => (answer.reset === "offer" ? { ...answer, reset: "drop" } : answer)),
};

/** Of the client that applies answers. */
export const applyingBugs: readonly PlantedBug[] = [
  cursorBeforeData,
  ackOutsideTransaction,
  ackLost,
  runNotBegun,
  olderGeneration,
  sweepDropsPushed,
  moreIgnored,
  resetLosesWork,
  tombstonesNotOffered,
  offerTakenAsDrop,
  tombstonesNotAsked,
  eventSkipped,
  digestNotCompared,
];
