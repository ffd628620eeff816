import { hash } from "node:crypto";
import { isSameValue, recordId, type SpaceId, type Stamp, type StoredRecord } from "@synchro/core";
import type { PushOutcome, Store, StorePush } from "../../packages/server/src/store/store.ts";
import type { ServerObserver } from "../server/paced-store.ts";
import type { World } from "../world/world.ts";
import { createDigester, readSpace, readState, type SpaceContent } from "./read-space.ts";
import {
  copyModel,
  expectPurge,
  expectPush,
  missingLostTo,
  type ModelRecord,
  newSpaceModel,
  resultText,
  type SpaceModel,
} from "./space-model.ts";

/** How long a commit may take to reach someone who waits for it. */
const LATE_MS = 5_000;

export type ModelImage = {
  readonly models: ReadonlyMap<SpaceId, SpaceModel>;
  readonly declared: ReadonlySet<string>;
};

/** Holds the server against the model, at every commit and at every opening of its store. */
export type ServerOracle = ServerObserver & {
  readonly opened: (store: Store, at: Stamp, declared: ReadonlySet<string>) => Promise<void>;
  /** After each step: if something was written in it, the whole store is compared. */
  readonly afterStep: (store: Store | null) => Promise<void>;
  readonly model: (space: SpaceId) => SpaceModel | undefined;
  readonly models: () => ReadonlyMap<SpaceId, SpaceModel>;
  /** The collections that the server serves now. */
  readonly declared: () => ReadonlySet<string>;
  /** Whether this version was ever committed under this seq. */
  readonly wasCommitted: (space: string, version: CommittedVersion) => boolean;
  /** The greatest stamp of a purged tombstone of this record. */
  readonly purgedStamp: (space: SpaceId, id: string) => Stamp | null;
  readonly takeImage: () => ModelImage;
  readonly restore: (image: ModelImage) => void;
  readonly setFull: (isFull: boolean) => void;
};

export type CommittedVersion = {
  readonly collection: string;
  readonly key: string;
  readonly seq: number;
  /** Null: any. */
  readonly stamp: Stamp | null;
  readonly value: string | null;
};

type Kept = {
  readonly space: SpaceId;
  readonly collection: string;
  readonly key: string;
  readonly stamp: Stamp;
  readonly value: string | null;
};

type State = {
  readonly world: World;
  models: Map<SpaceId, SpaceModel>;
  declared: ReadonlySet<string>;
  isFull: boolean;
  /** Spaces that were written in this step, and those whose epochs or floor may have changed. */
  readonly dirty: Set<SpaceId>;
  readonly stateDue: Set<SpaceId>;
  readonly evidenceDue: Kept[];
  readonly refusedDue: {
    readonly space: SpaceId;
    readonly clientId: string | null;
    readonly code: string;
  }[];
  readonly committed: Map<string, ModelRecord[]>;
  readonly purged: Map<string, Stamp>;
};

const versionsKey = (space: string, collection: string, key: string, seq: number): string =>
  `${space} ${collection} ${key} ${seq}`;

const remember = ({ committed }: State, space: SpaceId, record: ModelRecord): void => {
  const id = versionsKey(space, record.collection, record.key, record.seq);
  committed.set(id, [...(committed.get(id) ?? []), record]);
};

const modelOf = (state: State, space: SpaceId): SpaceModel => {
  const known = state.models.get(space);
  if (known !== undefined) return known;
  const model = newSpaceModel();
  state.models.set(space, model);
  return model;
};

const observePush = (state: State, request: StorePush, outcome: PushOutcome): void => {
  const { world } = state;
  const { space, changes, clientId } = request;
  if (outcome.kind === "full") {
    world.counters.count("store_full_met");
    if (!state.isFull) world.fail("[STORE-8] full, with room on the disk");
    return;
  }
  if (changes.length === 0) return;
  const model = modelOf(state, space);
  const expected = expectPush(model, request, outcome.results.length, world.scheduler.nowMs());
  const actual = outcome.results.map(resultText);
  const line = `${space} ${clientId} -> ${actual.join(", ")}`;
  world.trace.add(`push ${line}`);
  if (actual.join() !== expected.results.join()) {
    world.fail(`[PUSH-1, LWW-1] ${line}; expected ${expected.results.join(", ")}`);
  }
  if (outcome.results.length === 0 || outcome.changed !== expected.written.length) {
    world.fail(`[PUSH-8] ${line}; changed ${outcome.changed}`);
  }
  if (outcome.position.seq !== model.head)
    world.fail(`[PUSH-14] ack at ${outcome.position.seq}, head ${model.head}`);
  const missing = missingLostTo(outcome);
  if (missing.length > 0) world.fail(`[PUSH-3] ${line}; not given: ${missing.join()}`);
  for (const record of expected.written) remember(state, space, record);
  if (!model.hasWritten && expected.written.length > 0) {
    model.hasWritten = true;
    state.stateDue.add(space);
  }
  for (const version of expected.evidence) state.evidenceDue.push({ space, ...version });
  for (const result of outcome.results) {
    if (result.kind !== "rejected" || result.rejection.code === "stamp_ahead") continue;
    state.refusedDue.push({ space, clientId, code: result.rejection.code });
  }
  state.dirty.add(space);
};

const compareRecord = (
  stored: StoredRecord | undefined,
  model: ModelRecord | undefined,
): string | null => {
  if (stored === undefined || model === undefined) {
    return `store has ${JSON.stringify(stored)}, model has ${JSON.stringify(model)}`;
  }
  const isSame =
    stored.seq === model.seq &&
    stored.stamp === model.stamp &&
    isSameValue(stored.value, model.value);
  return isSame ? null : `store has ${JSON.stringify(stored)}, model has ${JSON.stringify(model)}`;
};

const sha256 = (text: string): Uint8Array => Buffer.from(hash("sha256", text, "hex"), "hex");

const compareContent = (
  state: State,
  digestOf: ReturnType<typeof createDigester>,
  space: SpaceId,
  content: SpaceContent,
): void => {
  const { world, declared } = state;
  const model = modelOf(state, space);
  const stored = new Map(
    content.records.map((record) => [recordId(record.collection, record.key), record]),
  );
  const visible = [...model.records].filter(([, { collection }]) => declared.has(collection));
  for (const id of new Set([...stored.keys(), ...visible.map(([key]) => key)])) {
    const difference = compareRecord(stored.get(id), model.records.get(id));
    if (difference !== null) world.fail(`[STORE-1] ${space}: ${difference}`);
  }
  if (content.head !== model.head)
    world.fail(`[PUSH-8] ${space}: head ${content.head}, model ${model.head}`);
  for (const [collection, digest] of content.digests) {
    const expected = digestOf(content.records, collection);
    if (digest.count !== expected.count || digest.sum !== expected.sum) {
      world.fail(`[DIGEST-5] ${space} ${collection}: count ${digest.count}, is ${expected.count}`);
    }
  }
};

/** Floor, cutoff and epochs: they change at a purge, and at the first write after an opening. */
const compareState = async (state: State, store: Store, space: SpaceId): Promise<void> => {
  const { world } = state;
  const model = modelOf(state, space);
  const { floor = 0, cutoff = null, epochs = [] } = (await readState(store, space)) ?? {};
  if (floor !== model.floor || cutoff !== model.cutoff) {
    world.fail(
      `[PURGE-3] ${space}: floor ${floor}, cutoff ${cutoff}; model ${model.floor}, ${model.cutoff}`,
    );
  }
  const last = epochs.at(-1);
  if (model.head > 0 && last === undefined) world.fail(`[EPOCH-1] ${space} lists no epoch`);
  if (model.hasWritten && last?.epoch !== store.epoch) {
    world.fail(`[EPOCH-4] ${space} was written in ${store.epoch}, and lists ${last?.epoch} last`);
  }
  model.epochs = epochs;
  state.stateDue.delete(space);
};

const checkKept = async (state: State, store: Store): Promise<void> => {
  const { world } = state;
  for (const { space, collection, key, stamp, value } of state.evidenceDue.splice(0)) {
    const kept = await store.listEvidence(space, {
      collection: collection as never,
      key,
      limit: 100,
    });
    const isKept = kept.some((other) => other.stamp === stamp && isSameValue(other.value, value));
    if (!isKept) world.fail(`[EVID-1] ${space} ${collection} ${key} ${stamp} was not kept`);
    world.counters.count("evidence_checked");
  }
  for (const { space, clientId, code } of state.refusedDue.splice(0)) {
    const kept = await store.listRejections(space, { clientId, limit: 1_000 });
    if (!kept.some(({ rejection }) => rejection.code === code)) {
      world.fail(`[EVID-7] ${space} ${clientId}: ${code} was not kept`);
    }
  }
};

/** A collection that is declared now and was not before: its records have new seqs (PULL-12). */
const takeReissued = (
  state: State,
  added: ReadonlySet<string>,
  at: { readonly space: SpaceId; readonly content: SpaceContent; readonly now: Stamp },
): void => {
  const { space, content, now } = at;
  const model = modelOf(state, space);
  const before = model.head;
  for (const { collection, key, seq } of content.records) {
    const id = recordId(collection, key);
    const known = model.records.get(id);
    if (!added.has(collection) || known === undefined) continue;
    if (seq <= before) state.world.fail(`[PULL-12] ${space} ${collection} ${key} kept seq ${seq}`);
    const record = { ...known, seq, committedAt: now, committedMs: state.world.scheduler.nowMs() };
    model.records.set(id, record);
    remember(state, space, record);
    model.head = Math.max(model.head, seq);
    state.world.counters.count("record_reissued");
  }
};

const observeSent = (
  state: State,
  space: SpaceId,
  records: readonly StoredRecord[],
  readySinceMs: number,
): void => {
  const nowMs = state.world.scheduler.nowMs();
  for (const { collection, key, seq } of records) {
    const known = state.models.get(space)?.records.get(recordId(collection, key));
    if (known?.seq !== seq) continue;
    const lateMs = nowMs - Math.max(known.committedMs, readySinceMs);
    if (lateMs > LATE_MS)
      state.world.fail(`[LIVE-3] ${space} ${key} ${seq} slept for ${lateMs} ms`);
    else if (known.committedMs > readySinceMs) state.world.counters.count("woken");
  }
};

// oxlint-disable-next-line max-lines-per-function -- a list of one-line answers and three short ones
export const createServerOracle = (world: World): ServerOracle => {
  const state: State = {
    world,
    models: new Map(),
    declared: new Set(),
    isFull: false,
    dirty: new Set(),
    stateDue: new Set(),
    evidenceDue: [],
    refusedDue: [],
    committed: new Map(),
    purged: new Map(),
  };
  const digestOf = createDigester(sha256);
  return {
    pushed: (request, outcome) => observePush(state, request, outcome),
    purged: (space, cutoff, { purged }) => {
      const taken = expectPurge(modelOf(state, space), cutoff, (name) => state.declared.has(name));
      if (taken.length !== purged)
        world.fail(`[PURGE-2] ${purged} purged, expected ${taken.length}`);
      if (taken.length > 0) world.counters.count("purge_took");
      for (const { collection, key, stamp } of taken) {
        state.purged.set(`${space} ${recordId(collection as never, key)}`, stamp);
      }
      world.trace.add(`purge ${space} ${cutoff} took ${purged}`);
      state.dirty.add(space);
      state.stateDue.add(space);
    },
    sent: (space, records, readySinceMs) => observeSent(state, space, records, readySinceMs),
    opened: async (store, at, declared) => {
      const added = declared.difference(state.declared);
      state.declared = declared;
      for (const [space, model] of state.models) {
        const { head } = model;
        const content = await readSpace(store, space);
        takeReissued(state, added, { space, content, now: at });
        compareContent(state, digestOf, space, content);
        model.hasWritten = model.head > head;
        await compareState(state, store, space);
      }
      // What was due before a kill is judged by what the disk holds now.
      await checkKept(state, store);
    },
    afterStep: async (store) => {
      if (state.dirty.size === 0 || store === null) return;
      for (const space of state.dirty)
        compareContent(state, digestOf, space, await readSpace(store, space));
      state.dirty.clear();
      for (const space of state.stateDue) await compareState(state, store, space);
      await checkKept(state, store);
    },
    model: (space) => state.models.get(space),
    models: () => state.models,
    declared: () => state.declared,
    wasCommitted: (space, { collection, key, seq, stamp, value }) =>
      (state.committed.get(versionsKey(space, collection, key, seq)) ?? []).some(
        (record) => stamp === null || (record.stamp === stamp && isSameValue(record.value, value)),
      ),
    purgedStamp: (space, id) => state.purged.get(`${space} ${id}`) ?? null,
    takeImage: () => ({
      models: new Map([...state.models].map(([space, model]) => [space, copyModel(model)])),
      declared: state.declared,
    }),
    restore: (image) => {
      state.models = new Map([...image.models].map(([space, model]) => [space, copyModel(model)]));
      state.declared = image.declared;
      state.dirty.clear();
      state.evidenceDue.length = 0;
      state.refusedDue.length = 0;
    },
    setFull: (isFull) => {
      state.isFull = isFull;
    },
  };
};
