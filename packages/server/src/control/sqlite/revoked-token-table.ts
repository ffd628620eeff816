import type { DatabaseSync } from "node:sqlite";
import type { Stamp } from "@synchro/core";
import { prepareRows } from "../../store/sqlite/row-statement.ts";
import type { RevokedToken } from "../control-store.ts";

/** Tokens taken back before their time, written within a transaction that the caller holds. */
export type RevokedTokenTable = {
  /** Whether that changed anything: of two times the later stands. */
  readonly insert: (token: RevokedToken) => boolean;
  /** Removes the entries of tokens that ended before a time. */
  readonly sweep: (before: Stamp) => void;
};

export const createRevokedTokenTable = (database: DatabaseSync): RevokedTokenTable => {
  const insert = prepareRows<[string]>(
    database,
    `INSERT INTO revoked_tokens (id, expires_at) VALUES (?, ?)
     ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at
     WHERE excluded.expires_at > expires_at RETURNING id`,
  );
  const sweep = database.prepare("DELETE FROM revoked_tokens WHERE expires_at < ?");
  return {
    insert: ({ tokenId, expiresAt }) => insert.get(tokenId, expiresAt) !== undefined,
    sweep: (before) => {
      sweep.run(before);
    },
  };
};
