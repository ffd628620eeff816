import { resolve } from "node:path";
import { liveRecords, type SpaceId } from "@synchro/core";
import { openForUpkeep } from "./compose-operations.ts";
import type { DataPlace } from "./config/data-place.ts";
import { StartError } from "./config/start-error.ts";
import { openReadOnly, type ReadOnlyData } from "./store/sqlite/open-read-only.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";

const openRecords = (folder: string): ReadOnlyData | null => {
  try {
    return openReadOnly(resolve(folder));
  } catch (error) {
    if (!(error instanceof StoreOpenError)) throw error;
    // Spaces may be made before the first record.
    if (error.code === "absent") return null;
    throw new StartError(error.message);
  }
};

const countInFolder = (folder: string): ReadonlyMap<SpaceId, number> => {
  const records = openRecords(folder);
  if (records === null) return new Map();
  try {
    return new Map(
      records.listSpaces().map((id) => {
        const state = records.describe(id);
        return [id, state === null ? 0 : liveRecords(state)];
      }),
    );
  } finally {
    records.close();
  }
};

/**
 * The live records of every space that records exist of, by id; read beside whoever writes them.
 *
 * @throws StartError in one line.
 */
export const countRecords = async (place: DataPlace): Promise<ReadonlyMap<SpaceId, number>> => {
  if (place.kind === "folder") return countInFolder(place.folder);
  const store = await openForUpkeep(place);
  try {
    const counts = new Map<SpaceId, number>();
    for (const id of await store.listSpaces()) {
      const state = await store.describeSpace(id);
      counts.set(id, state === null ? 0 : liveRecords(state));
    }
    return counts;
  } finally {
    await store.close();
  }
};
