import type { DatabaseSync } from "node:sqlite";
import type { Stamp } from "@synchro/core";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import type { Invitation } from "../control-store.ts";
import { grantsFromText, grantsToText } from "../grants-column.ts";

type InvitationRow = [
  grants: string,
  label: string,
  createdAt: Stamp,
  expiresAt: Stamp,
  usesLeft: number,
];

/** Invitations, read and written within a transaction that the caller holds. */
export type InvitationTable = {
  readonly find: (codeHash: string) => Invitation | null;
  readonly insert: (invitation: Invitation) => void;
  readonly use: (codeHash: string) => void;
  /** Removes those that let nobody in any more. */
  readonly sweep: (now: Stamp) => void;
};

export const createInvitationTable = (database: DatabaseSync): InvitationTable => {
  const find = prepareRows<InvitationRow>(
    database,
    "SELECT grants, label, created_at, expires_at, uses_left FROM invitations WHERE code_hash = ?",
  );
  const insert = database.prepare(
    `INSERT INTO invitations (code_hash, grants, label, created_at, expires_at, uses_left)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const use = database.prepare(
    "UPDATE invitations SET uses_left = uses_left - 1 WHERE code_hash = ?",
  );
  const sweep = database.prepare("DELETE FROM invitations WHERE expires_at <= ? OR uses_left <= 0");
  return {
    find: (codeHash) => {
      const row = find.get(codeHash);
      if (row === undefined) return null;
      const [grants, label, createdAt, expiresAt, usesLeft] = row;
      return { codeHash, grants: grantsFromText(grants), label, createdAt, expiresAt, usesLeft };
    },
    insert: ({ codeHash, grants, label, createdAt, expiresAt, usesLeft }) => {
      insert.run(codeHash, grantsToText(grants), label, createdAt, expiresAt, usesLeft);
    },
    use: (codeHash) => {
      use.run(codeHash);
    },
    sweep: (now) => {
      sweep.run(now);
    },
  };
};
