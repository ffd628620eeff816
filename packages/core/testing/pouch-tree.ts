import { createRequire } from "node:module";

/** A tree of revisions as PouchDB keeps it: a node's hash, what is known of it, and what replaced it. */
export type PouchTree = {
  readonly pos: number;
  readonly ids: PouchNode;
};

export type PouchNode = readonly [
  hash: string,
  options: { readonly status: string; readonly deleted?: boolean },
  replacedBy: readonly PouchNode[],
];

/** What the tests call of PouchDB's own trees, whose package has no types. */
type PouchMerge = {
  readonly merge: (
    trees: readonly PouchTree[],
    path: PouchTree,
    depth: number,
  ) => { readonly tree: readonly PouchTree[] };
  readonly winningRev: (metadata: { readonly rev_tree: readonly PouchTree[] }) => string;
  readonly collectConflicts: (metadata: {
    readonly rev_tree: readonly PouchTree[];
  }) => readonly string[];
  readonly collectLeaves: (trees: readonly PouchTree[]) => readonly { readonly rev: string }[];
};

export const pouchMerge = createRequire(import.meta.url)("pouchdb-merge") as PouchMerge;
