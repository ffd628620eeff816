import type { Settlement } from "../../packages/client/src/outbox/settle-batch.ts";
import type {
  ClientStore,
  Durability,
  StoreTransaction,
} from "../../packages/client/src/store/client-store.ts";
import { EngineStore } from "../../packages/client/src/store/engine-store.ts";
import type {
  EntryId,
  OutboxEntry as StoredEntry,
} from "../../packages/client/src/store/outbox-entry.ts";
import type {
  EngineTransaction,
  StoreEngine,
} from "../../packages/client/src/store/store-engine.ts";
import type { ClientDeps } from "./client.ts";
import type { ClientState, Fate, HeldRecord, OutboxEntry, Settled } from "./client-state.ts";
import { draftOf, newStoreImage, type StoreImage } from "./store-image.ts";

/** What a transaction's body said about the changes that it settled: what the oracle wants to know of each. */
type Told = {
  readonly settlements: readonly Settlement[];
  readonly divergences: number;
  /** Whether a digest was compared and agreed. */
  readonly hasAgreed: boolean;
};

const NOTHING_TOLD: Told = { settlements: [], divergences: 0, hasAgreed: false };

const toldBy = (result: unknown): Told => {
  if (typeof result !== "object" || result === null || !("settlements" in result)) {
    return NOTHING_TOLD;
  }
  const { settlements, diverged } = result as {
    readonly settlements: readonly Settlement[];
    readonly diverged?: readonly string[] | null;
  };
  const divergences = (diverged?.length ?? 0) > 0 ? 1 : 0;
  return { settlements, divergences, hasAgreed: diverged?.length === 0 };
};

const isIgnored = (result: unknown): boolean =>
  typeof result === "object" && result !== null && "kind" in result && result.kind === "ignored";

const entryOf = (
  entry: StoredEntry,
  before: OutboxEntry | undefined,
  restamped: ReadonlySet<EntryId>,
): OutboxEntry => {
  const isRestamped = before !== undefined && restamped.has(entry.id);
  return {
    id: entry.id,
    kind: entry.isOffer ? "offer" : "edit",
    collection: entry.collection,
    key: entry.key,
    value: entry.value,
    author: entry.author,
    editedAt: entry.editedAt,
    stamp: entry.stamp,
    restampedFrom: before?.restampedFrom ?? (isRestamped ? before.stamp : null),
    replaces: null,
  };
};

const fateOf = (settlement: Settlement): Fate | null => {
  switch (settlement.kind) {
    case "applied":
      return { kind: "applied", seq: settlement.as.seq };
    case "superseded":
      return { kind: "superseded", seq: settlement.by };
    case "refused":
      return { kind: "rejected", code: settlement.rejection.code };
    case "merged":
      return { kind: "merged" };
    case "dropped":
      return { kind: "stale_offer" };
    default:
      return null;
  }
};

/** Offers that a client dropped because it may not write (CLIENT-23): gone without an answer, and as many counted. */
const offersDropped = (
  before: ClientState,
  image: StoreImage,
  answered: readonly Settled[],
): readonly Settled[] => {
  const told = answered.filter(({ fate }) => fate.kind === "stale_offer").length;
  const dropped = image.meta.offersDropped - before.staleOffers - told;
  if (dropped === 0) return [];
  const gone = before.outbox.filter(
    ({ id, kind }) =>
      kind === "offer" && !image.entries.has(id) && !answered.some(({ entry }) => entry.id === id),
  );
  const fate: Fate = { kind: "stale_offer" };
  return gone.length === dropped ? gone.map((entry) => ({ entry, fate })) : [];
};

/** What the oracle reads of a disk, after a transaction of the real client. */
const stateAfter = (before: ClientState, image: StoreImage, told: Told): ClientState => {
  const { meta } = image;
  const isSameOutbox = image.entries === before.image?.entries && told.settlements.length === 0;
  const beforeById = new Map(
    isSameOutbox ? [] : before.outbox.map((entry) => [entry.id, entry] as const),
  );
  const restamped = new Set(
    told.settlements.flatMap(({ kind, entry }) => (kind === "restamped" ? [entry.id] : [])),
  );
  const readable = (entry: StoredEntry): OutboxEntry =>
    entryOf(entry, beforeById.get(entry.id), restamped);
  const answered = told.settlements.flatMap((settlement): readonly Settled[] => {
    const fate = fateOf(settlement);
    return fate === null ? [] : [{ entry: readable(settlement.entry), fate }];
  });
  const settled = [...answered, ...offersDropped(before, image, answered)];
  const isSameHeld = image.records === before.image?.records;
  const held = isSameHeld
    ? before.held
    : new Map(
        [...image.records].map(([id, record]): readonly [string, HeldRecord] => [
          id,
          { ...record, author: record.author?.name ?? null },
        ]),
      );
  return {
    ...before,
    image,
    generation: meta.generation,
    cursor: meta.cursor,
    ack: meta.ack,
    run: meta.run === "plain" ? "beginning" : meta.run,
    held,
    outbox: isSameOutbox
      ? before.outbox
      : [...image.entries.values()].toSorted((a, b) => a.id - b.id).map(readable),
    staleOffers: meta.offersDropped,
    nextId: meta.nextEntryId,
    clockOffsetMs: meta.clockOffsetMs,
    isSuspect: meta.divergedUntil !== null,
    divergences: before.divergences + told.divergences,
    comparedAt: told.hasAgreed ? meta.cursor : before.comparedAt,
    settled: settled.length === 0 ? before.settled : [...before.settled, ...settled],
    deadLetters:
      settled.length === 0
        ? before.deadLetters
        : [...before.deadLetters, ...settled.filter(({ fate }) => fate.kind === "rejected")],
  };
};

/** A transaction over a disk that several processes share: it waits for its turn before it reads anything. */
const transactionOver = (
  { disk, plant }: ClientDeps,
  mode: "read" | "write",
  durability: Durability,
  told: () => Told,
): EngineTransaction => {
  const locks = mode === "write" && plant.locksDisk;
  const turn = locks ? disk.acquire() : null;
  let draft: ReturnType<typeof draftOf> | null = null;
  const open = (): ReturnType<typeof draftOf> => {
    const state = disk.read();
    draft ??= draftOf(state.image ?? newStoreImage(state.clientId));
    return draft;
  };
  if (!locks) open();
  const begun = async (): Promise<StoreTransaction> => {
    if (draft === null) await turn;
    return open().transaction;
  };
  const release = async (): Promise<void> => (await turn)?.();
  return {
    getMeta: async (names) => (await begun()).getMeta(names),
    getRecords: async (names) => (await begun()).getRecords(names),
    scanRecords: async (collection, scan) => (await begun()).scanRecords(collection, scan),
    listCollections: async () => (await begun()).listCollections(),
    getEntries: async (ids) => (await begun()).getEntries(ids),
    getEntriesOf: async (names) => (await begun()).getEntriesOf(names),
    scanOutbox: async (after, limit) => (await begun()).scanOutbox(after, limit),
    countOutbox: async () => (await begun()).countOutbox(),
    getDeadLetter: async (id) => (await begun()).getDeadLetter(id),
    scanDeadLetters: async (after, limit) => (await begun()).scanDeadLetters(after, limit),
    countDeadLetters: async () => (await begun()).countDeadLetters(),
    putMeta: async (members) => (await begun()).putMeta(members),
    putRecords: async (records) => (await begun()).putRecords(records),
    deleteRecords: async (names) => (await begun()).deleteRecords(names),
    putEntries: async (entries) => (await begun()).putEntries(entries),
    deleteEntries: async (ids) => (await begun()).deleteEntries(ids),
    putDeadLetters: async (letters) => (await begun()).putDeadLetters(letters),
    deleteDeadLetters: async (ids) => (await begun()).deleteDeadLetters(ids),
    commit: async () => {
      if (mode === "read") return;
      await begun();
      const image = open().image();
      await disk.transact(
        (state) => ({ state: stateAfter(state, image, told()), outcome: null }),
        durability,
      );
      await release();
    },
    abort: release,
  };
};

/** The real client's store over a simulated disk: what is killed before a commit was never there. */
export const openClientStoreOver = (deps: ClientDeps): ClientStore => {
  let told = NOTHING_TOLD;
  const engine: StoreEngine = {
    capabilities: { isDurable: true, canShareAcrossTabs: true },
    begin: (mode, durability) => transactionOver(deps, mode, durability, () => told),
    close: async () => {},
    remove: async () => {},
  };
  const store = new EngineStore(engine);
  return {
    capabilities: store.capabilities,
    read: (body) => store.read(body),
    transact: <Result>(
      body: (transaction: StoreTransaction) => Promise<Result>,
      durability?: Durability,
    ): Promise<Result> =>
      store.transact(async (transaction) => {
        told = NOTHING_TOLD;
        const result = await body(transaction);
        told = toldBy(result);
        if (isIgnored(result)) deps.count("answer_of_older_generation");
        return result;
      }, durability),
    close: () => store.close(),
    destroy: () => store.destroy(),
  };
};
