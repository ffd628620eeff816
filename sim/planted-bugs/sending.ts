import { addMicros, laterStamp, type Stamp } from "@synchro/core";
import type {
  ClientStore,
  StoreTransaction,
} from "../../packages/client/src/store/client-store.ts";
import type { FrozenEntry } from "../../packages/client/src/outbox/freeze-batch.ts";
import type { Reply, Transport } from "../../packages/client/src/transport/transport.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { realScripts } from "./real-scripts.ts";
import { unlessFull } from "./unless-full.ts";

const { applyAnswer: apply, freezeBatch: freeze } = realScripts;

const ALL = 1_000_000;

const applyingBy = (applyAnswer: typeof apply) => (): ReturnType<PlantedBug["plant"]> => ({
  client: { scripts: { ...realScripts, applyAnswer } },
});

const freezingBy = (freezeBatch: typeof freeze) => (): ReturnType<PlantedBug["plant"]> => ({
  client: { scripts: { ...realScripts, freezeBatch } },
});

const inFlightTakenAsSent: PlantedBug = {
  name: "in-flight-edit-taken-as-sent",
  rule: "CLIENT-4",
  does: "settles all edits of a record with the answer to one of them",
  plant: applyingBy(async (tx, answer, context, sha256) => {
    const applied = await apply(tx, answer, context, sha256);
    if (applied.kind === "ignored") return applied;
    const names = applied.settlements.map(({ entry }) => entry);
    const groups = await tx.getEntriesOf(names);
    await tx.deleteEntries(groups.flat().map(({ id }) => id));
    return applied;
  }),
};

const prefixIgnored: PlantedBug = {
  name: "results-prefix-ignored",
  rule: "CLIENT-4",
  does: "takes all that it sent as answered when only a part was",
  plant: applyingBy(async (tx, answer, context, sha256) => {
    const { batch } = await tx.getMeta(["batch"]);
    const applied = await apply(tx, answer, context, sha256);
    const isAnswer = context.isPush && applied.kind === "applied";
    if (isAnswer) await tx.deleteEntries(batch.slice(answer.results?.length ?? 0));
    return applied;
  }),
};

const rejectedVanish: PlantedBug = {
  name: "rejected-edits-vanish",
  rule: "CLIENT-5",
  does: "keeps no dead letters",
  plant: applyingBy((tx, answer, context, sha256) => {
    const forgetful: StoreTransaction = { ...tx, putDeadLetters: async () => {} };
    return apply(forgetful, answer, context, sha256);
  }),
};

const poisonBlocks: PlantedBug = {
  name: "poison-record-blocks",
  rule: "CLIENT-5",
  does: "takes an answer with a rejection for none, and sends all again",
  plant: applyingBy(async (tx, answer, context, sha256) => {
    const isPoisoned = (answer.results ?? []).some(
      (result) => "rejected" in result && result.rejected.code !== "stamp_ahead",
    );
    return isPoisoned ? { kind: "ignored" } : apply(tx, answer, context, sha256);
  }),
};

const stampDrifts: PlantedBug = {
  name: "stamp-changes-between-sends",
  rule: "CLIENT-27",
  does: "gives an edit a later stamp at each send",
  plant: freezingBy(async (tx, options) => {
    const { batch } = await tx.getMeta(["batch"]);
    const sent = await tx.getEntries(batch);
    await tx.putEntries(
      sent.flatMap((entry) =>
        entry === null || entry.stamp === null || entry.isOffer
          ? []
          : [{ ...entry, stamp: addMicros(entry.stamp, 1) }],
      ),
    );
    return freeze(tx, options);
  }),
};

/** A client that gives other stamps than `freezeBatch` to some of what it sends for the first time. */
const stampingBy =
  (stampOf: (tx: StoreTransaction, entry: FrozenEntry, isFirst: boolean) => Promise<Stamp>) =>
  (): ReturnType<PlantedBug["plant"]> =>
    freezingBy(async (tx, options) => {
      const waiting = await tx.scanOutbox(0, ALL);
      const unsent = new Set(waiting.filter(({ stamp }) => stamp === null).map(({ id }) => id));
      const frozen = await freeze(tx, options);
      if (frozen === null) return null;
      const entries: FrozenEntry[] = [];
      for (const entry of frozen.entries) {
        entries.push({ ...entry, stamp: await stampOf(tx, entry, unsent.has(entry.id)) });
      }
      await tx.putEntries(entries);
      return { ...frozen, entries };
    })();

const storeWideMaximum: PlantedBug = {
  name: "store-wide-maximum-stamp",
  rule: "CLIENT-27",
  does: "stamps an edit past the greatest stamp in the whole store",
  plant: stampingBy(async (tx, { stamp }, isFirst) => {
    if (!isFirst) return stamp;
    let latest = stamp;
    for (const collection of await tx.listCollections()) {
      for (const held of await tx.scanRecords(collection, { after: null, limit: ALL })) {
        latest = laterStamp(latest, addMicros(held.stamp, 1));
      }
    }
    return latest;
  }),
};

const offerStampedAnew: PlantedBug = {
  name: "offer-stamped-anew",
  rule: "CLIENT-22",
  does: "offers what it holds as if it had just been written",
  plant: stampingBy(async (_, { stamp, isOffer, editedAt }) =>
    isOffer ? laterStamp(stamp, editedAt) : stamp,
  ),
};

const forgetOutbox = (store: ClientStore): Promise<void> =>
  store.transact(async (tx) => {
    const waiting = await tx.scanOutbox(0, ALL);
    await tx.deleteEntries(waiting.map(({ id }) => id));
    await tx.putMeta({ batch: [] });
  });

/** A client that gives up what it wanted to send when a push is refused so. */
const givingUpAt =
  (kind: Exclude<Reply<never>["kind"], "answered">) => (): ReturnType<PlantedBug["plant"]> => ({
    client: {
      transport: (real: Transport, store: ClientStore): Transport => ({
        ...real,
        sync: async (body, signal) => {
          const reply = await real.sync(body, signal);
          if (reply.kind !== kind) return reply;
          await unlessFull(forgetOutbox(store));
          return { kind: "unreachable", reason: "given up" };
        },
      }),
    },
  });

const unauthorizedFinal: PlantedBug = {
  name: "401-final",
  rule: "CLIENT-6",
  does: "deletes the outbox when its token is refused",
  plant: givingUpAt("unauthorized"),
};

const forbiddenFinal: PlantedBug = {
  name: "403-final",
  rule: "CLIENT-6",
  does: "deletes the outbox when it may not write",
  plant: givingUpAt("forbidden"),
};

const tooLargeFinal: PlantedBug = {
  name: "413-final-for-all",
  rule: "CLIENT-6",
  does: "gives up a whole batch that is too large",
  plant: givingUpAt("too_large"),
};

const processOverwrites: PlantedBug = {
  name: "second-tab-overwrites-the-outbox",
  rule: "CLIENT-12",
  does: "reads before it has the right to write, so that another process's writes are lost",
  plant: () => ({ client: { locksDisk: false } }),
};

const twoLeaders: PlantedBug = {
  name: "two-leaders",
  rule: "CLIENT-1",
  does: "lets each process over a disk push and pull",
  plant: () => ({ client: { hasOneLeader: false } }),
};

const savedTooSoon: PlantedBug = {
  name: "saved-before-durable",
  rule: "CLIENT-5",
  does: "says that an edit is kept before the disk has it",
  plant: () => ({ client: { waitsForDisk: false } }),
};

/** Of the client that keeps and sends what its user did. */
export const sendingBugs: readonly PlantedBug[] = [
  inFlightTakenAsSent,
  prefixIgnored,
  rejectedVanish,
  poisonBlocks,
  stampDrifts,
  storeWideMaximum,
  offerStampedAnew,
  unauthorizedFinal,
  forbiddenFinal,
  tooLargeFinal,
  processOverwrites,
  twoLeaders,
  savedTooSoon,
];
