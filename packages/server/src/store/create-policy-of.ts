import { type CollectionName, createPolicy, lastWrite, type MergePolicy } from "@synchro/core";
import type { StoreOptions } from "./store.ts";

export type PolicyOf = (collection: CollectionName) => MergePolicy;

/** The policy of each collection, as a planner asks for them. */
export const createPolicyOf = ({
  collections,
  limits,
}: Pick<StoreOptions, "collections" | "limits">): PolicyOf => {
  const policies = new Map(
    [...collections].map(([name, { merge }]) => [name, createPolicy(merge, limits.valueBytesMax)]),
  );
  return (collection) => policies.get(collection) ?? lastWrite;
};
