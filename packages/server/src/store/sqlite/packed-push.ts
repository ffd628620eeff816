import type { Author, ChangeResult, CollectionName, PushChange, Seq, Stamp } from "@synchro/core";
import type { StorePush } from "../store.ts";
import type { WriteRequest, WriteResult } from "./write-request.ts";

// A message between threads is copied value by value, and an object costs four times what its
// fields cost in arrays: a batch of 500 would spend as long in the copy as in the tables.

/**
 * Values that are mostly the same for all changes of a push, as its collection is. Those that are
 * cross once: a text that repeats is copied each time.
 */
type Column<Value> = { readonly same: Value } | { readonly each: readonly Value[] };

const packColumn = <Value>(each: readonly Value[]): Column<Value> => {
  const [same] = each;
  return same !== undefined && each.every((value) => value === same) ? { same } : { each };
};

const valueAt = <Value>(column: Column<Value>, index: number): Value | undefined =>
  "same" in column ? column.same : column.each[index];

/** The changes of a push as columns. At an index that `others` holds, the columns mean nothing. */
type PackedChanges = {
  readonly collections: Column<CollectionName>;
  readonly keys: readonly string[];
  readonly stamps: readonly Stamp[];
  readonly bases: Column<Seq | null>;
  readonly values: readonly (string | null)[];
  readonly fieldStates: Column<string | null>;
  readonly authors: Column<string | null>;
  readonly verified: Column<boolean>;
  /** The changes that are not of the kind `write`. */
  readonly others: ReadonlyMap<number, PushChange>;
};

export type PackedRequest =
  | {
      readonly kind: "push";
      readonly push: Omit<StorePush, "changes">;
      readonly changes: PackedChanges;
    }
  | Exclude<WriteRequest, { readonly kind: "push" }>;

type PushedResult = Extract<WriteResult, { readonly kind: "pushed" }>;
type Committed = Extract<PushedResult["outcome"], { readonly kind: "committed" }>;

export type PackedResult =
  | {
      readonly kind: "committed";
      readonly outcome: Omit<Committed, "results">;
      /** A number is the seq of an `applied`. */
      readonly results: readonly (Seq | ChangeResult)[];
    }
  | WriteResult;

const packChanges = (changes: readonly PushChange[]): PackedChanges => {
  const others = new Map<number, PushChange>();
  for (const [index, change] of changes.entries()) {
    if (change.kind !== "write") others.set(index, change);
  }
  const column = <Value>(
    valueOf: (change: Extract<PushChange, { kind: "write" }>) => Value,
    none: Value,
  ) => changes.map((change) => (change.kind === "write" ? valueOf(change) : none));
  return {
    collections: packColumn(column((change) => change.collection, "" as CollectionName)),
    keys: column((change) => change.key, ""),
    stamps: column((change) => change.stamp, "" as Stamp),
    bases: packColumn(column((change) => change.base, null)),
    values: column((change) => change.value, null),
    fieldStates: packColumn(column((change) => change.fieldState, null)),
    authors: packColumn(column((change) => change.author?.name ?? null, null)),
    verified: packColumn(column((change) => change.author?.verified ?? false, false)),
    others,
  };
};

const unpackChanges = (packed: PackedChanges): readonly PushChange[] => {
  const { collections, keys, stamps, bases, values, fieldStates } = packed;
  const { authors, verified, others } = packed;
  return keys.map((key, index): PushChange => {
    const other = others.get(index);
    if (other !== undefined) return other;
    const name = valueAt(authors, index) ?? null;
    const author: Author | null =
      name === null ? null : { name, verified: valueAt(verified, index) === true };
    return {
      kind: "write",
      collection: valueAt(collections, index) ?? ("" as CollectionName),
      key,
      stamp: stamps[index] ?? ("" as Stamp),
      base: valueAt(bases, index) ?? null,
      value: values[index] ?? null,
      fieldState: valueAt(fieldStates, index) ?? null,
      author,
    };
  });
};

export const packRequest = (request: WriteRequest): PackedRequest => {
  if (request.kind !== "push") return request;
  const { changes, ...push } = request.push;
  return { kind: "push", push, changes: packChanges(changes) };
};

export const unpackRequest = (packed: PackedRequest): WriteRequest =>
  packed.kind === "push"
    ? { kind: "push", push: { ...packed.push, changes: unpackChanges(packed.changes) } }
    : packed;

export const packResult = (result: WriteResult): PackedResult => {
  if (result.kind !== "pushed" || result.outcome.kind !== "committed") return result;
  const { results, ...outcome } = result.outcome;
  return {
    kind: "committed",
    outcome,
    results: results.map((each) => (each.kind === "applied" ? each.seq : each)),
  };
};

export const unpackResult = (packed: PackedResult): WriteResult =>
  packed.kind === "committed"
    ? {
        kind: "pushed",
        outcome: {
          ...packed.outcome,
          results: packed.results.map((each) =>
            typeof each === "number" ? { kind: "applied", seq: each } : each,
          ),
        },
      }
    : packed;
