import type { SpaceId, Stamp } from "@synchro/core";
import type { Statement } from "../../postgres/statement.ts";
import type { AuditEntry, Device, DeviceId, Invitation, SpaceEntry } from "../control-store.ts";
import { grantsFromText } from "../grants-column.ts";

const statement = (name: string, text: string): Statement => ({ name: `control_${name}`, text });

/** Locks out every other write until the transaction ends. */
export const lockControl = statement(
  "lock",
  "SELECT version FROM synchro.control_state FOR UPDATE",
);
export const readVersion = statement("version", "SELECT version FROM synchro.control_state");
export const raiseVersion = statement(
  "raise_version",
  "UPDATE synchro.control_state SET version = version + 1",
);

export type SpaceRow = readonly [
  id: SpaceId,
  title: string,
  recordsMax: number | null,
  createdAt: Stamp,
  deletedAt: Stamp | null,
];

export const spaceFromRow = (row: SpaceRow): SpaceEntry => {
  const [id, title, recordsMax, createdAt, deletedAt] = row;
  return { id, title, recordsMax, createdAt, deletedAt };
};

const SPACE = "id, title, records_max, created_at, deleted_at";

export const spaces = {
  list: statement("spaces", `SELECT ${SPACE} FROM synchro.space_entries ORDER BY id`),
  find: statement("space", `SELECT ${SPACE} FROM synchro.space_entries WHERE id = $1`),
  save: statement(
    "save_space",
    `INSERT INTO synchro.space_entries (${SPACE}) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (id) DO UPDATE SET title = excluded.title,
     records_max = excluded.records_max, deleted_at = excluded.deleted_at`,
  ),
  remove: statement("remove_space", "DELETE FROM synchro.space_entries WHERE id = $1"),
  restricted: statement(
    "restricted_spaces",
    `SELECT id, deleted_at IS NOT NULL, records_max FROM synchro.space_entries
     WHERE deleted_at IS NOT NULL OR records_max IS NOT NULL`,
  ),
};

export type InvitationRow = readonly [
  codeHash: string,
  grants: string,
  label: string,
  createdAt: Stamp,
  expiresAt: Stamp,
  usesLeft: number,
];

export const invitationFromRow = (row: InvitationRow): Invitation => {
  const [codeHash, grants, label, createdAt, expiresAt, usesLeft] = row;
  return { codeHash, grants: grantsFromText(grants), label, createdAt, expiresAt, usesLeft };
};

const INVITATION = "code_hash, grants, label, created_at, expires_at, uses_left";

export const invitations = {
  find: statement(
    "invitation",
    `SELECT ${INVITATION} FROM synchro.invitations WHERE code_hash = $1`,
  ),
  insert: statement(
    "invite",
    `INSERT INTO synchro.invitations (${INVITATION}) VALUES ($1, $2, $3, $4, $5, $6)`,
  ),
  use: statement(
    "use_invitation",
    "UPDATE synchro.invitations SET uses_left = uses_left - 1 WHERE code_hash = $1",
  ),
  /** Removes those that let nobody in any more. */
  sweep: statement(
    "sweep_invitations",
    "DELETE FROM synchro.invitations WHERE expires_at <= $1 OR uses_left <= 0",
  ),
};

export type DeviceRow = readonly [
  id: DeviceId,
  name: string,
  grants: string,
  secretHash: string,
  createdAt: Stamp,
  renewedAt: Stamp,
  revokedAt: Stamp | null,
];

export const deviceFromRow = (row: DeviceRow): Device => {
  const [id, name, grants, secretHash, createdAt, renewedAt, revokedAt] = row;
  return { id, name, grants: grantsFromText(grants), secretHash, createdAt, renewedAt, revokedAt };
};

const DEVICE = "id, name, grants, secret_hash, created_at, renewed_at, revoked_at";

export const devices = {
  find: statement("device", `SELECT ${DEVICE} FROM synchro.devices WHERE id = $1`),
  /** The device that showed both before. */
  findShown: statement(
    "shown_device",
    `SELECT ${DEVICE} FROM synchro.devices WHERE code_hash = $1 AND secret_hash = $2`,
  ),
  list: statement("devices", `SELECT ${DEVICE} FROM synchro.devices ORDER BY n DESC`),
  listOf: statement(
    "devices_of",
    `SELECT ${DEVICE} FROM synchro.devices WHERE grants::jsonb ?| $1::text[] ORDER BY n DESC`,
  ),
  insert: statement(
    "admit",
    `INSERT INTO synchro.devices (${DEVICE}, code_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  ),
  setRenewed: statement("renew", "UPDATE synchro.devices SET renewed_at = $1 WHERE id = $2"),
  setRevoked: statement("revoke", "UPDATE synchro.devices SET revoked_at = $1 WHERE id = $2"),
  revoked: statement(
    "revoked_devices",
    "SELECT id FROM synchro.devices WHERE revoked_at IS NOT NULL",
  ),
};

export const revokedTokens = {
  list: statement("revoked_tokens", "SELECT id FROM synchro.revoked_tokens"),
  /** Of two times the later stands. */
  insert: statement(
    "revoke_token",
    `INSERT INTO synchro.revoked_tokens AS t (id, expires_at) VALUES ($1, $2)
     ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
     WHERE excluded.expires_at > t.expires_at`,
  ),
  sweep: statement("sweep_tokens", "DELETE FROM synchro.revoked_tokens WHERE expires_at < $1"),
};

export type AuditRow = readonly [
  number: number,
  at: Stamp,
  actor: string,
  action: string,
  target: string,
  space: SpaceId | null,
  detail: string,
];

export const auditFromRow = (row: AuditRow): AuditEntry & { readonly number: number } => {
  const [number, at, actor, action, target, space, detail] = row;
  return {
    number,
    at,
    actor,
    action,
    target,
    space,
    detail: JSON.parse(detail) as AuditEntry["detail"],
  };
};

const AUDIT = "at, actor, action, target, space, detail";

export const audit = {
  append: statement(
    "audit",
    `INSERT INTO synchro.audit (${AUDIT}) VALUES ($1, $2, $3, $4, $5, $6)`,
  ),
  list: statement(
    "audit_list",
    `SELECT number, ${AUDIT} FROM synchro.audit
     WHERE number < $1 ORDER BY number DESC LIMIT $2`,
  ),
  listOf: statement(
    "audit_list_of",
    `SELECT number, ${AUDIT} FROM synchro.audit
     WHERE space = $3 AND number < $1 ORDER BY number DESC LIMIT $2`,
  ),
};
