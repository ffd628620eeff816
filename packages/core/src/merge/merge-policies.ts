import { lastWrite } from "./last-write.ts";
import type { MergePolicy, MergePolicyName } from "./merge-policy.ts";

/** Every policy that a collection may declare. */
export const mergePolicies: { readonly [name in MergePolicyName]: MergePolicy } = {
  "last-write": lastWrite,
};
