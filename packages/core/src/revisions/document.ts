import type { Runtime } from "../runtime.ts";
import type { Stamp } from "../stamp.ts";
import { insertHistory } from "./insert-history.ts";
import type { Revision } from "./revision.ts";
import { revisionOfWrite, type Version } from "./revision-of-write.ts";
import { EMPTY_TREE, leavesOf, type RevisionTree, winnerOf } from "./revision-tree.ts";
import { stemTree } from "./stem-tree.ts";

/** What is kept of a live leaf besides its place in the tree. */
export type LeafContent = {
  /** JSON text; null of the winner, whose value is the record's. */
  readonly value: string | null;
  /** The stamp that a Synchro wrote it with; null of the winner, and where it came without one. */
  readonly stamp: Stamp | null;
  /** The member `_attachments`, as JSON text; null: it has none. */
  readonly attachments: string | null;
};

/** All that is kept of a document's versions, besides the record, which is the winner. */
export type DocumentVersions = {
  readonly tree: RevisionTree;
  /** By revision: every live leaf that lost, and the winner if it has attachments. */
  readonly leaves: ReadonlyMap<Revision, LeafContent>;
};

export type VersionsContext = {
  readonly sha256: Runtime["sha256"];
  /** How many revisions a leaf's history keeps: COUCH-5. */
  readonly revisionsMax: number;
};

const NO_VERSIONS: DocumentVersions = { tree: EMPTY_TREE, leaves: new Map() };

/**
 * The versions of a record of which none are kept yet: the record's own is the first. So a space
 * that was never replicated has nothing stored for it, and the name is the same whenever it is asked
 * for. Spec: COUCH-9.
 */
export const versionsOfRecord = (
  sha256: Runtime["sha256"],
  record: Version | null,
): DocumentVersions => {
  if (record === null) return NO_VERSIONS;
  const revision = revisionOfWrite(sha256, null, record);
  const tree = insertHistory(EMPTY_TREE, {
    revisions: [revision],
    isDeleted: record.value === null,
  });
  return { tree, leaves: new Map() };
};

/**
 * The versions once a change that was judged by its stamp has become the record: it stands over the
 * winner, and keeps its attachments, of which whoever wrote it knew nothing. A deletion stands over
 * every live leaf, or one of them would win in its place. Spec: COUCH-10.
 */
export const writeOver = (
  { tree, leaves }: DocumentVersions,
  written: Version,
  { sha256, revisionsMax }: VersionsContext,
): DocumentVersions => {
  const isDeleted = written.value === null;
  const winner = winnerOf(tree)?.revision ?? null;
  const others = leavesOf(tree).filter(
    (leaf) => isDeleted && !leaf.isDeleted && leaf.revision !== winner,
  );
  let grown = tree;
  for (const parent of [winner, ...others.map(({ revision }) => revision)]) {
    const revision = revisionOfWrite(sha256, parent, written);
    const revisions = parent === null ? ([revision] as const) : ([revision, parent] as const);
    grown = insertHistory(grown, { revisions, isDeleted });
  }
  const kept = new Map(isDeleted ? [] : leaves);
  const content = winner === null ? undefined : kept.get(winner);
  if (winner !== null) kept.delete(winner);
  const now = winnerOf(grown)?.revision;
  if (content !== undefined && now !== undefined) kept.set(now, content);
  return { tree: stemTree(grown, revisionsMax), leaves: kept };
};
