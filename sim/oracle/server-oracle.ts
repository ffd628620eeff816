import { hash } from "node:crypto";
import {
  type Epoch,
  epochInLife,
  isSameValue,
  lifeOf,
  lifeOfSpace,
  recordId,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import type { PushOutcome, Store, StorePush } from "../../packages/server/src/store/store.ts";
import type { ServerObserver } from "../server/paced-store.ts";
import type { World } from "../world/world.ts";
import { limits } from "../server/settings.ts";
import { checkMerges, compareRecord } from "./check-merges.ts";
import { checkSent } from "./check-sent.ts";
import { createDigester, readSpace, readState, type SpaceContent } from "./read-space.ts";
import {
  copyModel,
  expectErasure,
  expectPurge,
  expectPush,
  missingLostTo,
  type ModelRecord,
  newSpaceModel,
  resultText,
  type SpaceModel,
} from "./space-model.ts";

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
  /** Whether the space was written to in this step: its model's epochs are those of before until the step is over. */
  readonly isStateDue: (space: SpaceId) => boolean;
  readonly models: () => ReadonlyMap<SpaceId, SpaceModel>;
  /** The collections that the server serves now. */
  readonly declared: () => ReadonlySet<string>;
  /** Whether this version was ever committed under this seq. */
  readonly wasCommitted: (space: string, version: CommittedVersion) => boolean;
  /** The greatest stamp of a purged tombstone of this record. */
  readonly purgedStamp: (space: SpaceId, id: string) => Stamp | null;
  /** Whether an erasure has been asked for, and nobody knows yet whether it came. */
  readonly isErasing: () => boolean;
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
  /** Erasures under way, and the server's clock when they were asked for. */
  readonly erasing: Map<SpaceId, Stamp>;
  readonly on: Watchers;
};

/** Who else wants to hear of what the oracle sees. */
export type Watchers = {
  readonly written: (space: SpaceId, record: ModelRecord) => void;
  /** All that a space held is gone; `before` is what that was. */
  readonly erased: (space: SpaceId, before: SpaceModel) => void;
  /** What a store shows of a space, after a step that changed it. */
  readonly read: (store: Store, space: SpaceId, content: SpaceContent) => Promise<void>;
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

/** The erasure has come: it is not told before the rows have left the disk, and all see it at once. */
const noteErasure = (state: State, space: SpaceId, epoch: Epoch | undefined): void => {
  const now = state.erasing.get(space);
  const model = state.models.get(space);
  if (now === undefined || model === undefined || epoch === undefined) return;
  if (lifeOf(epoch) <= lifeOfSpace(model.epochs)) return;
  state.erasing.delete(space);
  const before = copyModel(model);
  expectErasure(model, now, epoch);
  // The opening goes by the new epoch from now on, and lists it in every space at its next write.
  for (const other of state.models.values()) other.hasWritten = false;
  state.world.counters.count("space_erased");
  state.world.trace.add(`erased ${space}: ${before.records.size} records`);
  state.dirty.add(space);
  state.stateDue.add(space);
  state.evidenceDue.splice(
    0,
    Infinity,
    ...state.evidenceDue.filter((kept) => kept.space !== space),
  );
  state.refusedDue.splice(0, Infinity, ...state.refusedDue.filter((kept) => kept.space !== space));
  state.on.erased(space, before);
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
  noteErasure(state, space, outcome.position.epoch);
  const model = modelOf(state, space);
  const bases = changes.map((change) =>
    change.kind === "write"
      ? (model.records.get(recordId(change.collection, change.key))?.seq ?? null)
      : null,
  );
  const expected = expectPush(model, request, outcome.results.length, world.scheduler.nowMs());
  const actual = outcome.results.map((result, index) => resultText(result, changes[index]));
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
  // `/v1` reads what was sent after the push, and has no use for these.
  const missing = request.checksClocks ? missingLostTo(outcome) : [];
  if (missing.length > 0) world.fail(`[PUSH-3] ${line}; not given: ${missing.join()}`);
  checkMerges(world, model, bases, request, outcome);
  for (const record of expected.written) {
    remember(state, space, record);
    state.on.written(space, record);
  }
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
  if (model.hasWritten && last?.epoch !== epochInLife(store.epoch, lifeOfSpace(epochs))) {
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
    // What was kept before keeps its place, and is among the first to go when others come.
    const isCrowded = kept.length >= limits.evidencePerRecordMax;
    if (!isKept && !isCrowded)
      world.fail(`[EVID-1] ${space} ${collection} ${key} ${stamp} was not kept`);
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

// oxlint-disable-next-line max-lines-per-function -- a list of one-line answers and three short ones
export const createServerOracle = (world: World, on: Watchers): ServerOracle => {
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
    erasing: new Map(),
    on,
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
    erasing: (space, now) => {
      state.erasing.set(space, now);
    },
    erased: (space, outcome) => {
      const isDone = outcome.kind === "full" ? outcome.isHidden : outcome.isFound;
      if (outcome.kind === "full" && !state.isFull)
        world.fail("[STORE-8] full, with room on the disk");
      if (isDone && outcome.epoch !== null) noteErasure(state, space, outcome.epoch);
      const isEmpty = (state.models.get(space)?.records.size ?? 0) === 0;
      if (outcome.kind === "erased" && !isDone && !isEmpty) {
        world.fail(`[ERASE-1] ${space}: nothing was found to erase`);
      }
      if (isDone && state.erasing.has(space)) world.fail(`[ERASE-2] ${space}: no life was begun`);
      state.erasing.delete(space);
    },
    sent: (space, records, readySinceMs) =>
      checkSent(world, state.models.get(space), { space, records, readySinceMs }),
    opened: async (store, at, declared) => {
      const added = declared.difference(state.declared);
      state.declared = declared;
      for (const [space, model] of state.models) {
        const known = await store.describeSpace(space);
        noteErasure(state, space, known?.epochs.at(-1)?.epoch);
        const { head } = model;
        const content = await readSpace(store, space);
        takeReissued(state, added, { space, content, now: at });
        compareContent(state, digestOf, space, content);
        model.hasWritten = model.head > head;
        await compareState(state, store, space);
        await on.read(store, space, content);
      }
      state.erasing.clear();
      // What was due before a kill is judged by what the disk holds now.
      await checkKept(state, store);
    },
    afterStep: async (store) => {
      if (store === null) return;
      for (const space of state.erasing.keys()) {
        const known = await store.describeSpace(space);
        noteErasure(state, space, known?.epochs.at(-1)?.epoch);
      }
      if (state.dirty.size === 0) return;
      for (const space of state.dirty) {
        const content = await readSpace(store, space);
        compareContent(state, digestOf, space, content);
        await on.read(store, space, content);
      }
      state.dirty.clear();
      for (const space of state.stateDue) await compareState(state, store, space);
      await checkKept(state, store);
    },
    model: (space) => state.models.get(space),
    isStateDue: (space) => state.stateDue.has(space),
    models: () => state.models,
    declared: () => state.declared,
    wasCommitted: (space, { collection, key, seq, stamp, value }) =>
      (state.committed.get(versionsKey(space, collection, key, seq)) ?? []).some(
        (record) => stamp === null || (record.stamp === stamp && isSameValue(record.value, value)),
      ),
    purgedStamp: (space, id) => state.purged.get(`${space} ${id}`) ?? null,
    isErasing: () => state.erasing.size > 0,
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
      state.erasing.clear();
    },
    setFull: (isFull) => {
      state.isFull = isFull;
    },
  };
};
