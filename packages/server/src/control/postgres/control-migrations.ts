import type { Migration } from "../../postgres/migration.ts";
import { spaceTable } from "../../postgres/space-policy.ts";

/**
 * What servers know besides records.
 *
 * - `control_state` has one row, which every write locks first: they come one after another, as
 *   their entries in the log do. Its version tells whether what decisions depend on has changed.
 * - Grants are a JSON object from space (or `*`) to level.
 * - A device is found again by the code and the secret that it showed.
 * - The log can only grow: the trigger holds the tables' owner too, whom grants don't.
 */
export const controlMigrations: readonly Migration[] = [
  {
    number: 10,
    name: "control",
    statements: [
      `CREATE TABLE synchro.control_state (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        version bigint NOT NULL
      )`,
      "INSERT INTO synchro.control_state (version) VALUES (1)",
      `CREATE TABLE synchro.space_entries (
        id text COLLATE "C" PRIMARY KEY,
        title text NOT NULL,
        records_max bigint,
        created_at text COLLATE "C" NOT NULL,
        deleted_at text COLLATE "C"
      )`,
      ...spaceTable("space_entries", "id"),
      `CREATE TABLE synchro.invitations (
        code_hash text COLLATE "C" PRIMARY KEY,
        grants text NOT NULL,
        label text NOT NULL,
        created_at text COLLATE "C" NOT NULL,
        expires_at text COLLATE "C" NOT NULL,
        uses_left integer NOT NULL
      )`,
      `CREATE TABLE synchro.devices (
        n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text COLLATE "C" NOT NULL UNIQUE,
        name text NOT NULL,
        grants text NOT NULL,
        code_hash text COLLATE "C" NOT NULL,
        secret_hash text COLLATE "C" NOT NULL,
        created_at text COLLATE "C" NOT NULL,
        renewed_at text COLLATE "C" NOT NULL,
        revoked_at text COLLATE "C",
        UNIQUE (code_hash, secret_hash)
      )`,
      "CREATE INDEX devices_revoked ON synchro.devices (id) WHERE revoked_at IS NOT NULL",
      `CREATE TABLE synchro.revoked_tokens (
        id text COLLATE "C" PRIMARY KEY,
        expires_at text COLLATE "C" NOT NULL
      )`,
      `CREATE TABLE synchro.audit (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at text COLLATE "C" NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        space text COLLATE "C",
        detail text NOT NULL
      )`,
      "CREATE INDEX audit_by_space ON synchro.audit (space, number)",
      ...spaceTable("audit", "space"),
      `CREATE FUNCTION synchro.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the audit log can only grow'; END $$`,
      `CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON synchro.audit
        FOR EACH STATEMENT EXECUTE FUNCTION synchro.refuse_audit_change()`,
      "ALTER TABLE synchro.audit ENABLE ALWAYS TRIGGER audit_only_grows",
    ],
  },
];
