import type { StoredRecord } from "../record.ts";
import type { Stamp } from "../stamp.ts";

/** What a policy sees of a change: the whole value that the record should hold (null: deleted) as of `stamp`. */
export type ProposedVersion = { readonly stamp: Stamp; readonly value: string | null };

/**
 * `replace`: the proposed version becomes the record. `same`: the record is exactly this already.
 * `lose`: the record stays, and the change is evidence.
 */
export type Verdict = "replace" | "same" | "lose";

export type MergePolicyName = "last-write";

/**
 * Decides who wins between the stored version and a change. Pure: no clock is in it but the two
 * stamps. Applying a change again, at any later time, must lose nothing: a change that was `replace`
 * is `same` until another wins, and `lose` from then on.
 */
export type MergePolicy = {
  readonly name: MergePolicyName;
  readonly judge: (stored: StoredRecord, proposed: ProposedVersion) => Verdict;
};
