import type { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Epoch,
  newSpaceState,
  planPush,
  type PushPlan,
  type Runtime,
  type Stamp,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { createPolicyOf, type PolicyOf } from "../create-policy-of.ts";
import { evidenceCutoff } from "../evidence-cutoff.ts";
import { recordBytes } from "../record-bytes.ts";
import type { PushOutcome, StoredCollection, StorePush } from "../store.ts";
import type { GroupSpaces } from "./group-spaces.ts";
import { createKeptTable, type KeptTable } from "./kept-table.ts";
import {
  createRecordTable,
  type FoundRecord,
  type NewRecord,
  type RecordTable,
} from "./record-table.ts";
import { bareSpace, type LoadedSpace, type SpaceSaver } from "./space-table.ts";

/** All that a writer knows beyond the requests: plain data but for the hash. */
export type WriterContext = {
  readonly epoch: Epoch;
  readonly collections: ReadonlyMap<CollectionName, StoredCollection>;
  readonly limits: Limits;
  readonly sha256: Runtime["sha256"];
};

type PlannedPush = {
  readonly plan: PushPlan;
  /** What the tables hold of the records that the push names. */
  readonly found: ReadonlyMap<CollectionName, ReadonlyMap<string, FoundRecord>>;
};

/**
 * Applies single requests within a transaction that the caller holds. Whatever throws has been
 * applied in part: the caller rolls back to where the request began.
 */
export class RequestWriter {
  readonly #context: WriterContext;
  #epoch: Epoch;
  readonly #saver: SpaceSaver;
  readonly #records: RecordTable;
  readonly #kept: KeptTable;
  readonly #policyOf: PolicyOf;

  constructor(database: DatabaseSync, context: WriterContext, saver: SpaceSaver) {
    this.#context = context;
    this.#epoch = context.epoch;
    this.#saver = saver;
    this.#records = createRecordTable(database);
    this.#kept = createKeptTable(database, context);
    this.#policyOf = createPolicyOf(context);
  }

  push(request: StorePush, spaces: GroupSpaces): PushOutcome {
    const known = spaces.find(request.space);
    const planned = this.#plan(request, known);
    const { plan } = planned;
    if (request.changes.length > 0) {
      const space = known ?? bareSpace(this.#saver.insert(request.space));
      const collectionIds = this.#write(planned, request, space);
      spaces.put(request.space, space, { id: space.id, state: plan.state, collectionIds });
    }
    return {
      kind: "committed",
      results: plan.results,
      lostTo: plan.lostTo,
      position: {
        epoch: plan.state.epochs.at(-1)?.epoch ?? this.#epoch,
        seq: plan.state.head,
      },
      changed: plan.writes.length,
    };
  }

  /** From now on changes belong to `epoch`: another than the opening's has been begun. */
  useEpoch(epoch: Epoch): void {
    this.#epoch = epoch;
  }

  /** Takes away some evidence that is too old to be shown at `now`. */
  sweep(now: Stamp): void {
    this.#kept.sweep(evidenceCutoff(now, this.#context.limits));
  }

  #plan(request: StorePush, space: LoadedSpace | null): PlannedPush {
    const { limits, sha256 } = this.#context;
    const epoch = this.#epoch;
    const found = this.#find(request, space);
    const plan = planPush({
      positions: request.positions,
      state: space?.state ?? newSpaceState(epoch),
      epoch,
      changes: request.changes,
      stored: (collection, key) => found.get(collection)?.get(key)?.record ?? null,
      policyOf: this.#policyOf,
      now: request.now,
      checksClocks: request.checksClocks,
      lostBytesMax: limits.lostBytesMax,
      rejectedBytesMax: limits.rejectedBytesMax,
      bytesOf: recordBytes,
      sha256,
    });
    return { plan, found };
  }

  /** The stored versions of all that a push names. */
  #find(request: StorePush, space: LoadedSpace | null): PlannedPush["found"] {
    const keysByCollection = new Map<CollectionName, string[]>();
    for (const change of request.changes) {
      if (change.kind === "refused") continue;
      const keys = keysByCollection.get(change.collection);
      if (keys === undefined) keysByCollection.set(change.collection, [change.key]);
      else keys.push(change.key);
    }
    const found = new Map<CollectionName, ReadonlyMap<string, FoundRecord>>();
    for (const [collection, keys] of keysByCollection) {
      const id = space?.collectionIds.get(collection);
      if (id !== undefined) found.set(collection, this.#records.find(collection, id, keys));
    }
    return found;
  }

  /** Writes a plan but for the space's own rows. Returns the space's collections, new ones included. */
  #write(
    { plan, found }: PlannedPush,
    request: StorePush,
    space: LoadedSpace,
  ): ReadonlyMap<CollectionName, number> {
    const { collections, limits } = this.#context;
    const ids = new Map(space.collectionIds);
    const idOf = (name: CollectionName): number => {
      const id = ids.get(name) ?? this.#saver.insertCollection(space.id, name);
      ids.set(name, id);
      return id;
    };
    const added: NewRecord[] = [];
    for (const { after } of plan.writes) {
      const collectionId = idOf(after.collection);
      const rowId = found.get(after.collection)?.get(after.key)?.rowId;
      if (rowId === undefined) added.push({ collectionId, record: after });
      else this.#records.update(rowId, after, request.now);
      if (collections.get(after.collection)?.keepsHistory === true) {
        this.#records.addHistory(collectionId, after);
      }
    }
    this.#records.insertAll(added, request.now);
    const cutoff = evidenceCutoff(request.now, limits);
    for (const evidence of plan.evidence) {
      this.#kept.addEvidence(idOf(evidence.collection), evidence, request, cutoff);
    }
    let hasNewRejections = false;
    for (const refused of plan.refused) {
      if (this.#kept.addRejection(space.id, refused, request)) hasNewRejections = true;
    }
    if (hasNewRejections) this.#kept.trimRejections(space.id);
    return ids;
  }
}
