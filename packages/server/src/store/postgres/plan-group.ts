import {
  type CollectionName,
  type Epoch,
  newSpaceState,
  planPush,
  type PushPlan,
  recordId,
  type Runtime,
  type SpaceState,
  type StoredRecord,
} from "@synchro/core";
import type { Limits } from "@synchro/protocol";
import { createPolicyOf } from "../create-policy-of.ts";
import { evidenceCutoff } from "../evidence-cutoff.ts";
import { recordBytes } from "../record-bytes.ts";
import type { PushOutcome, StoredCollection, StorePush } from "../store.ts";
import { hashOf, type NewEvidence } from "./kept-evidence.ts";
import type { NewRejection } from "./kept-rejections.ts";
import type { KeptByGroup } from "./kept-tables.ts";
import type { CommittedRecord } from "./record-table.ts";

/** All that planning knows beyond the requests. */
export type PushContext = {
  readonly collections: ReadonlyMap<CollectionName, StoredCollection>;
  readonly limits: Limits;
  readonly sha256: Runtime["sha256"];
};

/** What became of one push of a group. `failed`: it could not be judged, and nothing of it is applied. */
export type GroupOutcome = PushOutcome | { readonly kind: "failed"; readonly error: unknown };

/** What a group of pushes to one space comes to, if its transaction is committed. */
export type GroupPlan = {
  /** One a push, in order. */
  readonly outcomes: readonly GroupOutcome[];
  /** The records that really changed, each once, as the last push left it. */
  readonly records: readonly CommittedRecord[];
  /** Every version of collections that keep their history, in the order of their seqs. */
  readonly history: readonly StoredRecord[];
  readonly kept: KeptByGroup;
  /** The space afterwards; null: there is none, and no push makes it. */
  readonly state: SpaceState | null;
};

/** What there is before a group, read under the space's lock. */
export type GroupGround = {
  readonly state: SpaceState | null;
  readonly epoch: Epoch;
  readonly records: readonly StoredRecord[];
};

/** A group while it is judged. */
type Draft = {
  readonly context: PushContext;
  readonly present: Map<string, StoredRecord>;
  readonly changed: Map<string, CommittedRecord>;
  readonly history: StoredRecord[];
  readonly evidence: NewEvidence[];
  readonly rejections: (readonly NewRejection[])[];
  state: SpaceState | null;
};

/** Takes over what a push that was judged leaves. */
const note = (draft: Draft, push: StorePush, plan: PushPlan): void => {
  const { collections, limits, sha256 } = draft.context;
  const { clientId, now } = push;
  for (const { after } of plan.writes) {
    const id = recordId(after.collection, after.key);
    draft.present.set(id, after);
    draft.changed.set(id, { record: after, committedAt: now });
    if (collections.get(after.collection)?.keepsHistory === true) draft.history.push(after);
  }
  const cutoff = evidenceCutoff(now, limits);
  for (const evidence of plan.evidence) {
    const valueHash = hashOf(sha256, evidence.value ?? "");
    draft.evidence.push({ evidence, valueHash, clientId, keptAt: now, cutoff });
  }
  draft.rejections.push(
    plan.refused.map((refused) => {
      const { rejection, body, bodyHash } = refused;
      const text = JSON.stringify([clientId, rejection.code, body, bodyHash]);
      return { refused, fingerprint: hashOf(sha256, text), clientId, keptAt: now };
    }),
  );
  if (push.changes.length > 0) draft.state = plan.state;
};

/** Judges pushes to one space in turn, each against what those before it leave. Pure. */
export const planGroup = (
  pushes: readonly StorePush[],
  { state, epoch, records }: GroupGround,
  context: PushContext,
): GroupPlan => {
  const { limits, sha256 } = context;
  const policyOf = createPolicyOf(context);
  const present = new Map(
    records.map((record) => [recordId(record.collection, record.key), record]),
  );
  const draft: Draft = {
    context,
    present,
    changed: new Map(),
    history: [],
    evidence: [],
    rejections: [],
    state,
  };
  const judge = (push: StorePush): GroupOutcome => {
    let plan: PushPlan;
    try {
      plan = planPush({
        positions: push.positions,
        state: draft.state ?? newSpaceState(epoch),
        epoch,
        changes: push.changes,
        stored: (collection, key) => present.get(recordId(collection, key)) ?? null,
        policyOf,
        now: push.now,
        checksClocks: push.checksClocks,
        lostBytesMax: limits.lostBytesMax,
        rejectedBytesMax: limits.rejectedBytesMax,
        bytesOf: recordBytes,
        sha256,
      });
    } catch (error) {
      return { kind: "failed", error };
    }
    note(draft, push, plan);
    const { results, lostTo, writes } = plan;
    const last = plan.state.epochs.at(-1)?.epoch ?? epoch;
    const position = { epoch: last, seq: plan.state.head };
    return { kind: "committed", results, lostTo, position, changed: writes.length };
  };
  const outcomes = pushes.map(judge);
  const { changed, history, evidence, rejections } = draft;
  return {
    outcomes,
    records: [...changed.values()],
    history,
    kept: { evidence, rejections },
    state: draft.state,
  };
};
