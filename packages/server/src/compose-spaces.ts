import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { liveRecords, type SpaceId } from "@synchro/core";
import { openControl } from "./compose.ts";
import { StartError } from "./config/start-error.ts";
import type { ControlStore } from "./control/control-store.ts";
import { ControlUnavailableError } from "./control/control-unavailable-error.ts";
import { openReadOnly, type ReadOnlyData } from "./store/sqlite/open-read-only.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";

/**
 * Does some work on what servers over a folder know besides records, also while they run. Unless
 * `makes` the folder must be there: a typing mistake is not to leave a new one behind.
 *
 * @throws StartError in one line.
 */
export const withControl = async <Result>(
  folder: string,
  options: { readonly makes: boolean },
  work: (control: ControlStore) => Promise<Result>,
): Promise<Result> => {
  if (!options.makes && !existsSync(folder)) {
    throw new StartError(`there is no data in ${resolve(folder)}: name its folder with --data`);
  }
  const control = await openControl(folder);
  try {
    return await work(control);
  } catch (error) {
    if (!(error instanceof ControlUnavailableError)) throw error;
    throw new StartError(`${error.message}: nothing was changed in ${resolve(folder)}`);
  } finally {
    await control.close();
  }
};

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

/**
 * The live records of every space that records exist of, by id; read beside whoever writes them.
 *
 * @throws StartError in one line.
 */
export const countRecords = (folder: string): ReadonlyMap<SpaceId, number> => {
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
