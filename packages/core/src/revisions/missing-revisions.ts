import { generationOf, type Revision } from "./revision.ts";
import { leavesOf, type RevisionTree } from "./revision-tree.ts";

export type MissingRevisions = {
  readonly missing: readonly Revision[];
  /** Leaves known here that may be ancestors of a missing one: what a sender need not send along. */
  readonly possibleAncestors: readonly Revision[];
};

/** Which of `revisions` are not known here: the answer to `_revs_diff`. */
export const missingRevisions = (
  tree: RevisionTree,
  revisions: readonly Revision[],
): MissingRevisions => {
  const missing = revisions.filter((revision) => !tree.has(revision));
  const newest = Math.max(0, ...missing.map(generationOf));
  const possibleAncestors = leavesOf(tree)
    .map(({ revision }) => revision)
    .filter((revision) => generationOf(revision) < newest);
  return { missing, possibleAncestors };
};
