import type { DatabaseSchema } from "../../store/sqlite/schema.ts";

/**
 * What a server knows besides records, in `control.db`. `SNCA` is how the file says that it is ours.
 * Each step is run once and never altered afterwards.
 *
 * - Grants are a JSON object from space (or `*`) to level.
 * - A device is found again by the code and the secret that it showed.
 * - The triggers keep this program, and tools that mean no harm, from altering the log: an entry
 *   that is put in another's place (`INSERT OR REPLACE`) would be deleted without the third.
 */
export const controlSchema: DatabaseSchema = {
  applicationId: 0x53_4e_43_41,
  migrations: [
    `
    CREATE TABLE spaces (
      id TEXT NOT NULL PRIMARY KEY,
      title TEXT NOT NULL,
      records_max INTEGER,
      created_at TEXT NOT NULL,
      deleted_at TEXT
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE invitations (
      code_hash TEXT NOT NULL PRIMARY KEY,
      grants TEXT NOT NULL,
      label TEXT NOT NULL,
      created_at TEXT NOT NULL,
      expires_at TEXT NOT NULL,
      uses_left INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE devices (
      n INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      grants TEXT NOT NULL,
      code_hash TEXT NOT NULL,
      secret_hash TEXT NOT NULL,
      created_at TEXT NOT NULL,
      renewed_at TEXT NOT NULL,
      revoked_at TEXT,
      UNIQUE (code_hash, secret_hash)
    ) STRICT;
    CREATE INDEX devices_revoked ON devices (id) WHERE revoked_at IS NOT NULL;

    CREATE TABLE revoked_tokens (
      id TEXT NOT NULL PRIMARY KEY,
      expires_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE audit (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT NOT NULL,
      space TEXT,
      detail TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_space ON audit (space);

    CREATE TRIGGER audit_is_not_altered BEFORE UPDATE ON audit BEGIN
      SELECT raise(ABORT, 'the audit log can only grow');
    END;
    CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit BEGIN
      SELECT raise(ABORT, 'the audit log can only grow');
    END;
    CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
      WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number) BEGIN
      SELECT raise(ABORT, 'the audit log can only grow');
    END;
    `,
  ],
};
