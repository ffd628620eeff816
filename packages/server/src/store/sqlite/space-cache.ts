import type { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { prepareRows } from "./row-statement.ts";
import { createSpaceLoader, type LoadedSpace } from "./space-table.ts";

/** Spaces remembered at most; past it all are forgotten, which costs each its next load. */
const SPACES_MAX = 1_024;

/** Spaces as a connection read them last, for as long as nothing is written. */
export type SpaceCache = {
  /** The space as it is now, if it is known without reading it; null also where it does not exist. */
  readonly peek: (space: SpaceId) => LoadedSpace | null;
  /** The space, read if need be. Within a transaction it is of the transaction's moment. */
  readonly load: (space: SpaceId) => LoadedSpace | null;
};

/**
 * For a connection that never writes. Whether another one has committed since it last looked it is
 * told by SQLite (`PRAGMA data_version`), in a fraction of the time that a space takes to read. It
 * need not even ask while `settledGroups` gives the number that it gave then (see `CommitQueue`): all
 * writing is begun by this thread, so nothing can come between the question and what is read next.
 */
export const createSpaceCache = (
  database: DatabaseSync,
  settledGroups: () => number | null,
): SpaceCache => {
  const load = createSpaceLoader(database);
  const dataVersion = prepareRows<[version: number]>(database, "PRAGMA data_version");
  const known = new Map<SpaceId, LoadedSpace>();
  let knownVersion: number | null = null;
  let knownGroups: number | null = null;

  const forgetWhatChanged = (): void => {
    const groups = settledGroups();
    if (groups !== null && groups === knownGroups) return;
    knownGroups = groups;
    const version = dataVersion.get()?.[0] ?? null;
    if (version === knownVersion) return;
    known.clear();
    knownVersion = version;
  };

  return {
    peek: (space) => {
      forgetWhatChanged();
      return known.get(space) ?? null;
    },
    load: (space) => {
      forgetWhatChanged();
      const remembered = known.get(space);
      if (remembered !== undefined) return remembered;
      const found = load(space);
      if (known.size >= SPACES_MAX) known.clear();
      if (found !== null) known.set(space, found);
      return found;
    },
  };
};

/** The same for a connection that writes as well: its own commits don't show, so nothing is remembered. */
export const createSpaceNoCache = (database: DatabaseSync): SpaceCache => ({
  peek: () => null,
  load: createSpaceLoader(database),
});
