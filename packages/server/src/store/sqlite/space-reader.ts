import type { DatabaseSync } from "node:sqlite";
import type { CollectionName, SpaceId, SpaceState, Stamp, StoredRecord } from "@synchro/core";
import { answerPull } from "../answer-pull.ts";
import type { KeptEvidence, KeptRejection, PullOutcome, Store, StorePull } from "../store.ts";
import { createFeedReader } from "./feed-reader.ts";
import { createKeptReader } from "./kept-reader.ts";
import type { SpaceCache } from "./space-cache.ts";
import { createSpaceLister } from "./space-table.ts";
import { rollBack } from "./transaction.ts";

/** The short reads of a store, on one connection: each begins, reads and ends in one call. */
export type SpaceReader = {
  readonly pull: (request: StorePull, declared: readonly CollectionName[]) => PullOutcome;
  readonly listSpaces: () => readonly SpaceId[];
  readonly describe: (space: SpaceId) => SpaceState | null;
  readonly listEvidence: (
    space: SpaceId,
    cutoff: Stamp,
    of: Parameters<Store["listEvidence"]>[1],
  ) => readonly KeptEvidence[];
  readonly listRejections: (
    space: SpaceId,
    of: Parameters<Store["listRejections"]>[1],
  ) => readonly KeptRejection[];
  readonly listHistory: (
    space: SpaceId,
    of: Parameters<Store["listHistory"]>[1],
  ) => readonly StoredRecord[];
};

export const createSpaceReader = (database: DatabaseSync, spaces: SpaceCache): SpaceReader => {
  const { load } = spaces;
  const list = createSpaceLister(database);
  const readFeed = createFeedReader(database);
  const kept = createKeptReader(database);
  const begin = database.prepare("BEGIN");
  const end = database.prepare("COMMIT");

  /** All that `read` sees is of one moment: that of its first statement. */
  const atOneMoment = <Result>(read: () => Result): Result => {
    begin.run();
    try {
      const result = read();
      end.run();
      return result;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  };

  /** The answer where nothing is to be read but the space itself, and that is known; else null. */
  const answerKnown = (
    request: StorePull,
    declared: readonly CollectionName[],
  ): PullOutcome | null => {
    const space = spaces.peek(request.space);
    if (space === null) return null;
    let isWhole = true;
    const outcome = answerPull(space.state, request, declared, () => {
      isWhole = false;
      return [];
    });
    return isWhole ? outcome : null;
  };

  return {
    pull: (request, declared) =>
      answerKnown(request, declared) ??
      atOneMoment(() => {
        const space = load(request.space);
        return answerPull(space?.state ?? null, request, declared, (plan, collections) =>
          readFeed(
            plan,
            collections.flatMap((name) => {
              const id = space?.collectionIds.get(name);
              return id === undefined ? [] : [[name, id] as const];
            }),
          ),
        );
      }),
    listSpaces: () => list(),
    describe: (space) => atOneMoment(() => load(space)?.state ?? null),
    listEvidence: (space, cutoff, of) =>
      atOneMoment(() =>
        kept.evidence(load(space)?.collectionIds.get(of.collection) ?? null, cutoff, of),
      ),
    listRejections: (space, of) => atOneMoment(() => kept.rejections(load(space)?.id ?? null, of)),
    listHistory: (space, of) =>
      atOneMoment(() => kept.history(load(space)?.collectionIds.get(of.collection) ?? null, of)),
  };
};
