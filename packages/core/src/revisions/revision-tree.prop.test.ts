import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pouchMerge, type PouchNode, type PouchTree } from "../../testing/pouch-tree.ts";
import { type History, insertHistory, isHistory } from "./insert-history.ts";
import { generationOf, hashOf, type Revision, revisionOf } from "./revision.ts";
import {
  ancestryOf,
  conflictsOf,
  EMPTY_TREE,
  leavesOf,
  type RevisionTree,
  winnerOf,
} from "./revision-tree.ts";
import { stemTree } from "./stem-tree.ts";
import { formatTree, parseTree } from "./tree-text.ts";

const run = { seed: 20_261_124, numRuns: 1_000 };

/** What an honest set of replicas has made: each version by its parent (null: the first), and which are deletions. */
type Version = {
  readonly revision: Revision;
  readonly parent: number | null;
  readonly isDeleted: boolean;
};

/** Grows a version from an earlier one, or a new root: `from` 0 is the root, 1 the first version, and so on. */
const versions = fc
  .array(
    fc.record({
      from: fc.nat(),
      hash: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      isDeleted: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 14,
    },
  )
  .map((drawn) => {
    const made: Version[] = [];
    for (const { from, hash, isDeleted } of drawn) {
      const at = from % (made.length + 1);
      const parent = at === 0 ? null : at - 1;
      const before = parent === null ? undefined : made[parent];
      const generation = before === undefined ? 1 : generationOf(before.revision) + 1;
      // The hash stands for all that came before, as real ones do: none has two parents.
      const revision = revisionOf(
        generation,
        `${before === undefined ? "" : hashOf(before.revision)}${hash}`,
      );
      if (!made.some((version) => version.revision === revision)) {
        made.push({ revision, parent, isDeleted });
      }
    }
    return made;
  });

const historyOf = (made: readonly Version[], index: number, revisionsMax: number): History => {
  const revisions: Revision[] = [];
  for (let at: number | null = index; at !== null && revisions.length < revisionsMax;) {
    const version: Version | undefined = made[at];
    if (version === undefined) break;
    revisions.push(version.revision);
    at = version.parent;
  }
  const [newest, ...rest] = revisions;
  if (newest === undefined) throw new Error("a history has a version");
  return { revisions: [newest, ...rest], isDeleted: made[index]?.isDeleted ?? false };
};

/** Histories as they arrive: each twice, in any order, none longer than `depths` say. */
const arrivalsOf = (depth: fc.Arbitrary<number>) =>
  versions.chain((made) =>
    fc
      .tuple(
        fc.shuffledSubarray([...made.keys(), ...made.keys()], { minLength: made.length * 2 }),
        fc.array(depth, { minLength: 1, maxLength: 5 }),
      )
      .map(([order, depths]) =>
        order.map((index, at) => historyOf(made, index, depths[at % depths.length] ?? 1)),
      ),
  );

const arrivals = arrivalsOf(fc.integer({ min: 1, max: 20 }));

const grow = (histories: readonly History[]): RevisionTree =>
  histories.reduce(insertHistory, EMPTY_TREE);

const pathOf = ({ revisions, isDeleted }: History): PouchTree => {
  let ids: PouchNode | null = null;
  for (const [index, revision] of revisions.entries()) {
    const status = index === 0 ? "available" : "missing";
    const options = index === 0 && isDeleted ? { status, deleted: true } : { status };
    ids = [hashOf(revision), options, ids === null ? [] : [ids]];
  }
  const oldest = revisions.at(-1);
  if (ids === null || oldest === undefined) throw new Error("a history has a version");
  return { pos: generationOf(oldest), ids };
};

const pouchTree = (histories: readonly History[], depth: number): readonly PouchTree[] =>
  histories.reduce<readonly PouchTree[]>(
    (tree, history) => pouchMerge.merge(tree, pathOf(history), depth).tree,
    [],
  );

describe("[COUCH-3] the order of arrival", () => {
  test("does not matter, nor how often something arrives", () => {
    fc.assert(
      fc.property(arrivals, fc.infiniteStream(fc.nat()), (histories, draws) => {
        const keys = histories.map(() => draws.next().value ?? 0);
        const shuffled = histories
          .map((history, index) => [keys[index] ?? 0, history] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, history]) => history);
        const tree = grow(histories);
        expect(formatTree(grow(shuffled))).toBe(formatTree(tree));
        for (const history of histories) expect(insertHistory(tree, history)).toBe(tree);
      }),
      run,
    );
  });

  test("does not matter even where two writers gave one name to two versions", () => {
    const hash = fc.constantFrom("a", "b");
    const hostile = fc
      .record({
        start: fc.integer({ min: 1, max: 3 }),
        hashes: fc.array(hash, { minLength: 1, maxLength: 3 }),
        isDeleted: fc.boolean(),
      })
      .map(({ start, hashes, isDeleted }): History => {
        const [newest, ...rest] = hashes.map((each, index) =>
          revisionOf(start + hashes.length - 1 - index, each),
        );
        if (newest === undefined) throw new Error("a history has a version");
        return { revisions: [newest, ...rest], isDeleted };
      });
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 6 }), (histories) => {
        const tree = grow(histories);
        expect(formatTree(grow(histories.toReversed()))).toBe(formatTree(tree));
        // Whatever was said, there is a winner, and no ancestry is a circle.
        expect(winnerOf(tree) === null).toBe(histories.length === 0);
        for (const revision of tree.keys())
          expect(isHistory(ancestryOf(tree, revision))).toBe(true);
      }),
      run,
    );
  });
});

describe("[COUCH-4] beside PouchDB's own tree", () => {
  test("winner, leaves and conflicts are the same", () => {
    // Whole histories: of pieces PouchDB's tree may hold one version in two places.
    fc.assert(
      fc.property(arrivalsOf(fc.constant(100)), (histories) => {
        const tree = grow(histories);
        const theirs = pouchTree(histories, 1_000);
        expect(winnerOf(tree)?.revision).toBe(pouchMerge.winningRev({ rev_tree: theirs }));
        expect(
          leavesOf(tree)
            .map((leaf) => leaf.revision)
            .toSorted(),
        ).toEqual(
          pouchMerge
            .collectLeaves(theirs)
            .map(({ rev }) => rev)
            .toSorted(),
        );
        expect(conflictsOf(tree).toSorted()).toEqual(
          pouchMerge.collectConflicts({ rev_tree: theirs }).toSorted(),
        );
      }),
      run,
    );
  });
});

describe("[COUCH-5] forgetting old versions", () => {
  const limit = fc.integer({ min: 1, max: 4 });

  test("keeps every leaf, and of each at most as many versions as asked for", () => {
    fc.assert(
      fc.property(arrivals, limit, (histories, revisionsMax) => {
        const tree = grow(histories);
        const stemmed = stemTree(tree, revisionsMax);
        expect(leavesOf(stemmed)).toEqual(leavesOf(tree));
        expect(stemTree(stemmed, revisionsMax)).toBe(stemmed);
        for (const { revision } of leavesOf(stemmed)) {
          // A branch may keep more for the sake of another leaf.
          const kept = ancestryOf(stemmed, revision);
          const all = ancestryOf(tree, revision);
          expect(kept).toEqual(all.slice(0, kept.length));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(revisionsMax, all.length));
        }
        const isNear = (revision: Revision): boolean =>
          leavesOf(tree).some((leaf) =>
            ancestryOf(tree, leaf.revision).slice(0, revisionsMax).includes(revision),
          );
        expect([...stemmed.keys()].every(isNear)).toBe(true);
        for (const { parent } of stemmed.values()) {
          if (parent !== null) expect(stemmed.has(parent)).toBe(true);
        }
      }),
      run,
    );
  });

  test("does not change what is known already when it arrives again", () => {
    fc.assert(
      fc.property(arrivals, limit, (histories, revisionsMax) => {
        const stemmed = stemTree(grow(histories), revisionsMax);
        for (const { revision, isDeleted } of leavesOf(stemmed)) {
          const [newest, ...rest] = ancestryOf(grow(histories), revision);
          if (newest === undefined) throw new Error("a leaf is known");
          const again = insertHistory(stemmed, { revisions: [newest, ...rest], isDeleted });
          expect(formatTree(stemTree(again, revisionsMax))).toBe(formatTree(stemmed));
        }
      }),
      run,
    );
  });
});

test("[COUCH-6] a tree comes back from its text", () => {
  fc.assert(
    fc.property(arrivals, (histories) => {
      const tree = grow(histories);
      expect(formatTree(parseTree(formatTree(tree)))).toBe(formatTree(tree));
      expect(new Map(parseTree(formatTree(tree)))).toEqual(new Map(tree));
    }),
    run,
  );
});
