import type { DatabaseSync } from "node:sqlite";
import type { SpaceId, Stamp } from "@synchro/core";
import { EVERY_SPACE } from "../../access/grants.ts";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import type { Device, DeviceId } from "../control-store.ts";
import { grantsFromText, grantsToText } from "../grants-column.ts";

type DeviceRow = [
  id: DeviceId,
  name: string,
  grants: string,
  secretHash: string,
  createdAt: Stamp,
  renewedAt: Stamp,
  revokedAt: Stamp | null,
];

const COLUMNS = "id, name, grants, secret_hash, created_at, renewed_at, revoked_at";

const deviceFromRow = (row: DeviceRow): Device => {
  const [id, name, grants, secretHash, createdAt, renewedAt, revokedAt] = row;
  return { id, name, grants: grantsFromText(grants), secretHash, createdAt, renewedAt, revokedAt };
};

const orNull = (row: DeviceRow | undefined): Device | null =>
  row === undefined ? null : deviceFromRow(row);

/** Devices, read and written within a transaction that the caller holds. */
export type DeviceTable = {
  readonly find: (id: DeviceId) => Device | null;
  /** The device that showed both before. */
  readonly findShown: (codeHash: string, secretHash: string) => Device | null;
  readonly list: (space: SpaceId | null) => readonly Device[];
  readonly insert: (device: Device, codeHash: string) => void;
  readonly setRenewed: (id: DeviceId, at: Stamp) => void;
  readonly setRevoked: (id: DeviceId, at: Stamp) => void;
};

export const createDeviceTable = (database: DatabaseSync): DeviceTable => {
  const find = prepareRows<DeviceRow>(database, `SELECT ${COLUMNS} FROM devices WHERE id = ?`);
  const findShown = prepareRows<DeviceRow>(
    database,
    `SELECT ${COLUMNS} FROM devices WHERE code_hash = ? AND secret_hash = ?`,
  );
  const list = prepareRows<DeviceRow>(database, `SELECT ${COLUMNS} FROM devices ORDER BY n DESC`);
  const listOf = prepareRows<DeviceRow>(
    database,
    `SELECT ${COLUMNS} FROM devices WHERE EXISTS
     (SELECT 1 FROM json_each(grants) WHERE json_each.key IN (?, '${EVERY_SPACE}')) ORDER BY n DESC`,
  );
  const insert = database.prepare(
    `INSERT INTO devices (${COLUMNS}, code_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const setRenewed = database.prepare("UPDATE devices SET renewed_at = ? WHERE id = ?");
  const setRevoked = database.prepare("UPDATE devices SET revoked_at = ? WHERE id = ?");
  return {
    find: (id) => orNull(find.get(id)),
    findShown: (codeHash, secretHash) => orNull(findShown.get(codeHash, secretHash)),
    list: (space) => (space === null ? list.all() : listOf.all(space)).map(deviceFromRow),
    insert: ({ id, name, grants, secretHash, createdAt, renewedAt, revokedAt }, codeHash) => {
      const text = grantsToText(grants);
      insert.run(id, name, text, secretHash, createdAt, renewedAt, revokedAt, codeHash);
    },
    setRenewed: (id, at) => {
      setRenewed.run(at, id);
    },
    setRevoked: (id, at) => {
      setRevoked.run(at, id);
    },
  };
};
