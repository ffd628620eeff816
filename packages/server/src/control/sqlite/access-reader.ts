import type { DatabaseSync } from "node:sqlite";
import type { SpaceId } from "@synchro/core";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import type { AccessState, DeviceId } from "../control-store.ts";

/** Reads what decisions depend on. */
export type AccessReader = {
  /** A number that another process's commit changes; this connection's own don't. */
  readonly dataVersion: () => number;
  /** Of one moment only inside a transaction. */
  readonly read: () => AccessState;
};

export const createAccessReader = (database: DatabaseSync): AccessReader => {
  const dataVersion = prepareRows<[number]>(database, "PRAGMA data_version");
  const spaces = prepareRows<[SpaceId, deleted: number, recordsMax: number | null]>(
    database,
    `SELECT id, deleted_at IS NOT NULL, records_max FROM spaces
     WHERE deleted_at IS NOT NULL OR records_max IS NOT NULL`,
  );
  const tokens = prepareRows<[string]>(database, "SELECT id FROM revoked_tokens");
  const devices = prepareRows<[DeviceId]>(
    database,
    "SELECT id FROM devices INDEXED BY devices_revoked WHERE revoked_at IS NOT NULL",
  );
  return {
    dataVersion: () => dataVersion.get()?.[0] ?? 0,
    read: () => {
      const deletedSpaces = new Set<SpaceId>();
      const recordsMax = new Map<SpaceId, number>();
      for (const [id, deleted, max] of spaces.all()) {
        if (deleted !== 0) deletedSpaces.add(id);
        if (max !== null) recordsMax.set(id, max);
      }
      return {
        deletedSpaces,
        recordsMax,
        revokedTokens: new Set(tokens.all().map(([id]) => id)),
        revokedDevices: new Set(devices.all().map(([id]) => id)),
      };
    },
  };
};
