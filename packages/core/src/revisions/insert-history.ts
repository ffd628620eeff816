import { generationOf, type Revision } from "./revision.ts";
import type { RevisionNode, RevisionTree } from "./revision-tree.ts";

/** A version and what it replaced, one before the other, the newest first, each of the generation below: at least one. */
export type History = {
  readonly revisions: readonly [Revision, ...Revision[]];
  /** Whether the newest is a deletion. */
  readonly isDeleted: boolean;
};

/** Whether the generations count down by one, as those of a history must. */
export const isHistory = (revisions: readonly Revision[]): boolean =>
  revisions.length > 0 &&
  revisions.every((revision, index) => {
    const before = revisions[index + 1];
    return before === undefined || generationOf(before) === generationOf(revision) - 1;
  });

/** A parent that is known beats one that is not; of two that differ (no honest writer makes such) the greater stays. */
const joinedParent = (a: Revision | null, b: Revision | null): Revision | null => {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
};

const joined = (known: RevisionNode | undefined, node: RevisionNode): RevisionNode => {
  if (known === undefined) return node;
  const parent = joinedParent(known.parent, node.parent);
  const isReplaced = known.isReplaced || node.isReplaced;
  const isDeleted = !isReplaced && (known.isDeleted || node.isDeleted);
  const isSame =
    parent === known.parent && isReplaced === known.isReplaced && isDeleted === known.isDeleted;
  return isSame ? known : { parent, isReplaced, isDeleted };
};

/**
 * What is known of a document once a version and its history have arrived. The same object where
 * nothing in it is new. Whatever the order of arrival, and however often something arrives, the tree
 * is the same: each node is a join of what was said of it.
 */
export const insertHistory = (
  tree: RevisionTree,
  { revisions, isDeleted }: History,
): RevisionTree => {
  let grown: Map<Revision, RevisionNode> | null = null;
  for (const [index, revision] of revisions.entries()) {
    const isNewest = index === 0;
    const known = tree.get(revision);
    const node = joined(known, {
      parent: revisions[index + 1] ?? null,
      isReplaced: !isNewest,
      isDeleted: isNewest && isDeleted,
    });
    if (node === known) continue;
    grown ??= new Map(tree);
    grown.set(revision, node);
  }
  return grown ?? tree;
};
