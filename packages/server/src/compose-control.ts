import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { openPostgresControl } from "./compose-postgres.ts";
import { type DataPlace, placeName } from "./config/data-place.ts";
import { StartError } from "./config/start-error.ts";
import type { AuditEntry, ControlStore } from "./control/control-store.ts";
import { ControlUnavailableError } from "./control/control-unavailable-error.ts";
import { controlPath, openSqliteControlStore } from "./control/sqlite/open-sqlite-control-store.ts";
import { databasePath } from "./store/sqlite/data-directory.ts";
import { StoreOpenError } from "./store/sqlite/store-open-error.ts";
import { StoreUnavailableError } from "./store/store-unavailable-error.ts";

/**
 * Opens what servers know besides records: it lies beside the records.
 *
 * @throws StartError in one line.
 */
export const openControl = async (place: DataPlace): Promise<ControlStore> => {
  if (place.kind === "database") return openPostgresControl(place);
  try {
    return await openSqliteControlStore({ dataDir: resolve(place.folder) });
  } catch (error) {
    // A refusal of the engine is the operator's to mend; anything else is a defect.
    throw error instanceof StoreOpenError ? new StartError(error.message) : error;
  }
};

/** The same, where servers have been over the data; null: none has. @throws StartError in one line. */
export const openControlIfThere = async (place: DataPlace): Promise<ControlStore | null> => {
  if (place.kind === "database") return openControl(place);
  const data = resolve(place.folder);
  const isThere = [databasePath(data), controlPath(data)].some((path) => existsSync(path));
  return isThere ? openControl(place) : null;
};

/** The same, where it must be there. @throws StartError in one line. */
export const openControlOf = async (place: DataPlace): Promise<ControlStore> => {
  const control = await openControlIfThere(place);
  if (control !== null) return control;
  throw new StartError(`there is no server's data in ${placeName(place)}: name it with --data`);
};

/** Writes down what was done without a server, in the log of the data that it concerns, if there is any. */
export const auditAt = async (place: DataPlace, entry: AuditEntry): Promise<void> => {
  const control = await openControlIfThere(place);
  try {
    await control?.audit(entry);
  } finally {
    await control?.close();
  }
};

/**
 * Does some work on what servers know besides records, also while they run. Unless `makes` a folder
 * must be there: a typing mistake is not to leave a new one behind.
 *
 * @throws StartError in one line.
 */
export const withControl = async <Result>(
  place: DataPlace,
  options: { readonly makes: boolean },
  work: (control: ControlStore) => Promise<Result>,
): Promise<Result> => {
  if (place.kind === "folder" && !options.makes && !existsSync(place.folder)) {
    throw new StartError(
      `there is no data in ${resolve(place.folder)}: name its folder with --data`,
    );
  }
  const control = await openControl(place);
  try {
    return await work(control);
  } catch (error) {
    if (error instanceof ControlUnavailableError) {
      throw new StartError(`${error.message}: nothing was changed in ${placeName(place)}`);
    }
    if (!(error instanceof StoreUnavailableError)) throw error;
    const change =
      error.reason === "unknown" ? "look before you do it again" : "nothing was changed";
    throw new StartError(`${placeName(place)}: ${error.message}: ${change}`);
  } finally {
    await control.close();
  }
};
