import { compareRevisions, parseRevision, type Revision } from "./revision.ts";
import type { RevisionNode, RevisionTree } from "./revision-tree.ts";

/**
 * A tree as text, for a column of a table: one line a version in the order of {@link compareRevisions},
 * `REVISION PARENT FLAGS`, where PARENT is the number of its line (-1: none) and FLAGS is 1 for
 * replaced, 2 for a deleted leaf, 0 for a live one. Equal trees have equal texts.
 */
export const formatTree = (tree: RevisionTree): string => {
  const revisions = [...tree.keys()].toSorted(compareRevisions);
  const lines = new Map(revisions.map((revision, index) => [revision, index]));
  return revisions
    .map((revision) => {
      const node = tree.get(revision);
      const parent = node?.parent == null ? -1 : (lines.get(node.parent) ?? -1);
      const flags = (node?.isReplaced === true ? 1 : 0) + (node?.isDeleted === true ? 2 : 0);
      return `${revision} ${parent} ${flags}`;
    })
    .join("\n");
};

const LINE = /^(\S+) (-1|\d+) ([0-2])$/;

/** @throws Error if `text` did not come from {@link formatTree}: the table is damaged. */
export const parseTree = (text: string): RevisionTree => {
  const tree = new Map<Revision, RevisionNode>();
  if (text === "") return tree;
  const lines = text.split("\n").map((line) => LINE.exec(line) ?? []);
  const revisions = lines.map(([, name = ""]) => parseRevision(name));
  for (const [index, [, , parentText = "", flagsText = ""]] of lines.entries()) {
    const revision = revisions[index] ?? null;
    const parent = parentText === "-1" ? null : revisions[Number(parentText)];
    if (revision === null || parent === undefined) {
      throw new Error(`line ${index + 1} is none of a tree of revisions`);
    }
    const flags = Number(flagsText);
    tree.set(revision, { parent, isReplaced: (flags & 1) !== 0, isDeleted: (flags & 2) !== 0 });
  }
  return tree;
};
