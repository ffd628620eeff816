import { isSameValue } from "../record.ts";
import type { MergePolicy } from "./merge-policy.ts";

/** The greater stamp wins; an equal stamp with other content goes to the stored record, so commit order decides ties. */
export const lastWrite: MergePolicy = {
  name: "last-write",
  judge: (stored, proposed) => {
    if (stored === null || proposed.stamp > stored.stamp) return "replace";
    if (proposed.stamp === stored.stamp && isSameValue(stored.value, proposed.value)) return "same";
    return "lose";
  },
};
