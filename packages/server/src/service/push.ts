import {
  type Ack,
  type ChangeResult,
  encodeAck,
  type EpochPosition,
  liveRecords,
  type PushChange,
  type Runtime,
  type Seq,
  type SpaceId,
  type Stamp,
  type StoredRecord,
} from "@synchro/core";
import type { Hint } from "../live/bus/bus.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../store/store.ts";

export type PushInput = {
  readonly space: SpaceId;
  readonly clientId: string | null;
  readonly changes: readonly PushChange[];
  readonly checksClocks: boolean;
  /** See `StorePush`. */
  readonly positions?: readonly EpochPosition[];
};

export type PushAnswer =
  | {
      readonly kind: "committed";
      readonly results: readonly ChangeResult[];
      readonly lostTo: readonly StoredRecord[];
      readonly ack: Ack;
      /** The head that this push left. */
      readonly head: Seq;
      readonly now: Stamp;
    }
  | PushRefusal;

/** Nothing of the push was applied, and the same push may pass later. */
export type PushRefusal =
  /** The disk is full. */
  | { readonly kind: "full" }
  /** The space holds as many live records as it may, or more. Spec: SPACE-7. */
  | { readonly kind: "over_quota"; readonly recordsMax: number };

/** Live records that a space may hold; null: as many as the disk has room for. */
export type QuotaOf = (space: SpaceId) => number | null;

export type Push = (input: PushInput) => Promise<PushAnswer>;

const isWrite = (change: PushChange): boolean =>
  change.kind === "assign" || (change.kind === "write" && change.value !== null);

/** Coarse on purpose: it looks before the push, so that no store must count within one. Spec: SPACE-8. */
const overQuota = async (
  deps: { readonly store: Store; readonly quotaOf?: QuotaOf },
  input: PushInput,
): Promise<PushRefusal | null> => {
  const recordsMax = deps.quotaOf?.(input.space) ?? null;
  if (recordsMax === null || !input.changes.some(isWrite)) return null;
  const state = await deps.store.describeSpace(input.space);
  const live = state === null ? 0 : liveRecords(state);
  return live < recordsMax ? null : { kind: "over_quota", recordsMax };
};

/** Makes changes durable, then wakes who listens to the space. Spec: PUSH-*, SPACE-7. */
export const createPush =
  (deps: {
    readonly store: Store;
    readonly runtime: Runtime;
    /** Tells of a commit, here and to other nodes; neither waits nor throws. */
    readonly announce: (hint: Hint) => void;
    readonly metrics: Metrics;
    /** Absent: no space has a quota. */
    readonly quotaOf?: QuotaOf;
  }): Push =>
  async (input) => {
    const refusal = await overQuota(deps, input);
    if (refusal !== null) {
      deps.metrics.countPush(refusal.kind);
      return refusal;
    }
    const now = deps.runtime.now();
    const outcome = await deps.store.push({ ...input, now });
    deps.metrics.countPush(outcome.kind);
    if (outcome.kind === "full") return outcome;
    if (outcome.changed > 0) deps.announce({ space: input.space, seq: outcome.position.seq });
    for (const result of outcome.results) deps.metrics.countResult(result.kind);
    const { results, lostTo } = outcome;
    return {
      kind: "committed",
      results,
      lostTo,
      ack: encodeAck(outcome.position),
      head: outcome.position.seq,
      now,
    };
  };
