import type { DatabaseSync } from "node:sqlite";
import {
  type CollectionName,
  type Epoch,
  lifeOfSpace,
  type Seq,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import { prepareRows } from "./row-statement.ts";
import { createSpaceLister, createSpaceLoader } from "./space-table.ts";
import { holdsErased } from "./upkeep-writer.ts";

/** What a space is and holds, counted at one moment. */
export type InspectedSpace = {
  readonly space: SpaceId;
  readonly head: Seq;
  readonly floor: Seq;
  readonly cutoff: Stamp | null;
  readonly epoch: Epoch | null;
  readonly life: number;
  readonly epochs: number;
  readonly live: number;
  readonly tombstones: number;
  readonly history: number;
  readonly evidence: number;
  readonly rejections: number;
};

/** What a database of records holds, at one moment. */
export type InspectedData = {
  readonly schema: number;
  readonly declared: readonly CollectionName[];
  readonly spaces: readonly InspectedSpace[];
  /** Whether rows of an erased space are still on the disk. */
  readonly holdsErased: boolean;
};

type Count = (id: number) => number;

const counterOf = (database: DatabaseSync, from: string): Count => {
  const statement = prepareRows<[number]>(database, `SELECT count(*) FROM ${from}`);
  return (id) => statement.get(id)?.[0] ?? 0;
};

/** Reads what a database holds; all of it of one moment. The connection is the caller's. */
export const inspectData = (database: DatabaseSync): InspectedData => {
  const load = createSpaceLoader(database);
  const tombstones = counterOf(
    database,
    "records INDEXED BY tombstones_by_seq WHERE collection = ? AND value IS NULL",
  );
  const history = counterOf(database, "history INDEXED BY history_by_seq WHERE collection = ?");
  const evidence = counterOf(
    database,
    "evidence INDEXED BY evidence_by_collection WHERE collection = ?",
  );
  const rejections = counterOf(
    database,
    "rejections INDEXED BY rejections_by_space WHERE space = ?",
  );
  const inspect = (name: SpaceId): readonly InspectedSpace[] => {
    const space = load(name);
    if (space === null) return [];
    const { state, id, collectionIds } = space;
    const sum = (count: Count): number =>
      [...collectionIds.values()].reduce((total, collection) => total + count(collection), 0);
    return [
      {
        space: name,
        head: state.head,
        floor: state.floor,
        cutoff: state.cutoff,
        epoch: state.epochs.at(-1)?.epoch ?? null,
        life: lifeOfSpace(state.epochs),
        epochs: state.epochs.length,
        live: [...state.digests.values()].reduce((total, { count }) => total + count, 0),
        tombstones: sum(tombstones),
        history: sum(history),
        evidence: sum(evidence),
        rejections: rejections(id),
      },
    ];
  };
  database.exec("BEGIN");
  try {
    const names = prepareRows<[CollectionName]>(
      database,
      "SELECT name FROM declared ORDER BY name",
    );
    return {
      schema: Number(database.prepare("PRAGMA user_version").get()?.["user_version"]),
      declared: names.all().map(([name]) => name),
      spaces: createSpaceLister(database)().flatMap(inspect),
      holdsErased: holdsErased(database),
    };
  } finally {
    database.exec("COMMIT");
  }
};
