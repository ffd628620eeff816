import { ancestryOf, leavesOf, type RevisionNode, type RevisionTree } from "./revision-tree.ts";
import type { Revision } from "./revision.ts";

/**
 * Forgets all but the newest `revisionsMax` versions of each leaf's history; the same object where
 * nothing goes. Leaves, and so winner and conflicts, stay. An old version that comes back from a
 * replica after it was forgotten counts as a leaf again, as with CouchDB: the limit must be greater
 * than the number of edits between two replications.
 */
export const stemTree = (tree: RevisionTree, revisionsMax: number): RevisionTree => {
  if (tree.size <= revisionsMax) return tree;
  const kept = new Set<Revision>();
  for (const { revision } of leavesOf(tree)) {
    for (const known of ancestryOf(tree, revision).slice(0, revisionsMax)) kept.add(known);
  }
  if (kept.size === tree.size) return tree;
  const stemmed = new Map<Revision, RevisionNode>();
  for (const [revision, node] of tree) {
    if (!kept.has(revision)) continue;
    const isCut = node.parent !== null && !kept.has(node.parent);
    stemmed.set(revision, isCut ? { ...node, parent: null } : node);
  }
  return stemmed;
};
