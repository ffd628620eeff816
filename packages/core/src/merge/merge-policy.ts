import type { Rejection } from "../push/rejection.ts";
import type { StoredRecord } from "../record.ts";

/** What a version holds, whoever made it: all that a policy decides over. Of a change it is the whole value, or the policy's own patch. */
export type VersionContent = Pick<StoredRecord, "stamp" | "value" | "fieldState">;

/** The change and the stored version became one. */
export type Merge = {
  readonly kind: "merge";
  /** What the record holds from now on; null: what it held already. */
  readonly version: VersionContent | null;
  /** `whole`: the change stands in it as it was sent. `lost`: nothing of it does. */
  readonly outcome: "whole" | "part" | "lost";
  /** Whether a value of the stored version gave way: it is evidence, unless the change's writer had seen it. */
  readonly overwrites: boolean;
  /** Whether a value of the change gave way: it is evidence. */
  readonly loses: boolean;
};

/**
 * `replace`: the proposed version becomes the record. `same`: the record is exactly this already.
 * `lose`: the record stays, and the change is evidence. `refuse`: it can't be judged against what is
 * stored.
 */
export type Verdict =
  | "replace"
  | "same"
  | "lose"
  | Merge
  | { readonly kind: "refuse"; readonly rejection: Rejection };

export const mergePolicyNames = ["last-write", "fields"] as const;

export type MergePolicyName = (typeof mergePolicyNames)[number];

/**
 * Decides what becomes of the stored version (null: there is none) and a change. Pure: no clock is in
 * it but their stamps. Applying a change again, at any later time, must lose nothing: a change that
 * was `replace` is `same` until another wins, and `lose` from then on; one that was merged changes
 * nothing when it is merged again.
 */
export type MergePolicy = {
  readonly name: MergePolicyName;
  readonly judge: (stored: StoredRecord | null, proposed: VersionContent) => Verdict;
};
