import { compareRevisions, type Revision } from "./revision.ts";

/** One version in a document's history. Every member only ever grows, which is why order does not matter. */
export type RevisionNode = {
  /** The version that it replaced; null: the first, or what came before is not known. */
  readonly parent: Revision | null;
  /** Whether any version is known that replaced it; else it is a leaf. */
  readonly isReplaced: boolean;
  /** Of a leaf: histories do not tell it of what was replaced. */
  readonly isDeleted: boolean;
};

/**
 * All that is known of a document's versions. A leaf is a version that nothing replaced; several live
 * ones are a conflict. The versions' contents are kept elsewhere.
 */
export type RevisionTree = ReadonlyMap<Revision, RevisionNode>;

export const EMPTY_TREE: RevisionTree = new Map();

export type Leaf = { readonly revision: Revision; readonly isDeleted: boolean };

const byPrecedence = (a: Leaf, b: Leaf): number =>
  Number(a.isDeleted) - Number(b.isDeleted) || compareRevisions(b.revision, a.revision);

/**
 * The versions that nothing replaced, the winner first, each before those that it wins over: live
 * ones before deleted ones, then the longer history, then the greater hash. All servers agree on it
 * without asking each other, as CouchDB's do.
 */
export const leavesOf = (tree: RevisionTree): readonly Leaf[] => {
  const leaves: Leaf[] = [];
  for (const [revision, { isReplaced, isDeleted }] of tree) {
    if (!isReplaced) leaves.push({ revision, isDeleted });
  }
  return leaves.toSorted(byPrecedence);
};

/** The version that a reader sees who asks for none by name; null of an empty tree. */
export const winnerOf = (tree: RevisionTree): Leaf | null => leavesOf(tree)[0] ?? null;

/** The live versions that lost against a winner: what somebody must look at. Deleted ones are settled. */
export const conflictsOf = (tree: RevisionTree): readonly Revision[] =>
  leavesOf(tree)
    .slice(1)
    .flatMap(({ revision, isDeleted }) => (isDeleted ? [] : [revision]));

/** A version and those before it, the newest first, as far as they are known; empty if it is not known itself. */
export const ancestryOf = (tree: RevisionTree, revision: Revision): readonly Revision[] => {
  const path: Revision[] = [];
  let at: Revision | null = revision;
  while (at !== null) {
    const node = tree.get(at);
    if (node === undefined) break;
    path.push(at);
    at = node.parent;
  }
  return path;
};

/** The leaves that a version became, itself if nothing replaced it; by precedence. */
export const latestOf = (tree: RevisionTree, revision: Revision): readonly Revision[] =>
  leavesOf(tree).flatMap((leaf) =>
    ancestryOf(tree, leaf.revision).includes(revision) ? [leaf.revision] : [],
  );
