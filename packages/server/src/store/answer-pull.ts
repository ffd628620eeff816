import {
  type CollectionName,
  digestOf,
  EMPTY_DIGEST,
  endOfPage,
  planPull,
  type PullPlan,
  type SpaceState,
  type StoredRecord,
  takePage,
} from "@synchro/core";
import { recordBytes } from "./record-bytes.ts";
import type { PullOutcome, StorePull } from "./store.ts";

/** The rows of a snapshot that a plan asks for, by ascending seq, read lazily. */
export type PlannedRows = (
  plan: PullPlan,
  collections: readonly CollectionName[],
) => Iterable<StoredRecord>;

/**
 * Answers a pull from one snapshot: core decides what to send and where the page ends, the engine
 * reads. `state` and `rows` must be of the same snapshot. `declared` is sorted.
 */
export const answerPull = (
  state: SpaceState | null,
  request: StorePull,
  declared: readonly CollectionName[],
  rows: PlannedRows,
): PullOutcome => {
  const plan = planPull(state, request);
  const collections =
    request.collections === null
      ? declared
      : declared.filter((name) => request.collections?.includes(name));
  const hasMore = state !== null && state.head > plan.after;
  const page = takePage(plan.after, hasMore ? rows(plan, collections) : [], {
    recordsMax: request.recordsMax,
    bytesMax: request.bytesMax,
    bytesOf: recordBytes,
    told: request.told,
  });
  return {
    reset: plan.reset,
    records: page.records,
    more: page.more,
    position: endOfPage(state, plan, request.collections, page),
    head: state?.head ?? 0,
    digests: new Map(
      collections.map((name) => [name, state === null ? EMPTY_DIGEST : digestOf(state, name)]),
    ),
  };
};
