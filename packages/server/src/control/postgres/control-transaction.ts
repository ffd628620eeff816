import type { SpaceId, Stamp } from "@synchro/core";
import type { PostgresTransaction } from "../../postgres/postgres-transaction.ts";
import type { Statement } from "../../postgres/statement.ts";
import type { Actor, AuditEntry, Device, Invitation, SpaceEntry } from "../control-store.ts";
import { grantsToText } from "../grants-column.ts";
import {
  audit,
  deviceFromRow,
  type DeviceRow,
  devices,
  invitationFromRow,
  type InvitationRow,
  invitations,
  lockControl,
  raiseVersion,
  spaceFromRow,
  type SpaceRow,
  spaces,
} from "./control-statements.ts";

/** A write to the control store, alone until it ends. */
export type ControlTransaction = {
  readonly findSpace: (id: SpaceId) => Promise<SpaceEntry | null>;
  readonly findInvitation: (codeHash: string) => Promise<Invitation | null>;
  readonly findDevice: (statement: Statement, values: readonly string[]) => Promise<Device | null>;
  readonly saveSpace: (space: SpaceEntry) => Promise<void>;
  readonly insertInvitation: (invitation: Invitation) => Promise<void>;
  readonly insertDevice: (device: Device, codeHash: string) => Promise<void>;
  /** Rows that a statement has touched. */
  readonly run: (statement: Statement, values: readonly (string | null)[]) => Promise<number>;
  /** What decisions depend on is another from this transaction on. */
  readonly changeAccess: () => Promise<void>;
  readonly append: (entry: AuditEntry) => Promise<void>;
};

const first = <Row, Value>(rows: readonly Row[], read: (row: Row) => Value): Value | null => {
  const [row] = rows;
  return row === undefined ? null : read(row);
};

/** Begins by locking: what is read afterwards is what the last write has left. */
export const beginControl = async ({
  read,
  write,
}: PostgresTransaction): Promise<ControlTransaction> => {
  await read(lockControl);
  const run = async (statement: Statement, values: readonly unknown[]): Promise<number> =>
    (await write(statement, values)).count;
  return {
    run,
    findSpace: async (id) => first(await read<SpaceRow>(spaces.find, [id]), spaceFromRow),
    findInvitation: async (codeHash) =>
      first(await read<InvitationRow>(invitations.find, [codeHash]), invitationFromRow),
    findDevice: async (statement, values) =>
      first(await read<DeviceRow>(statement, values), deviceFromRow),
    saveSpace: async ({ id, title, recordsMax, createdAt, deletedAt }) => {
      await run(spaces.save, [id, title, recordsMax, createdAt, deletedAt]);
    },
    insertInvitation: async ({ codeHash, grants, label, createdAt, expiresAt, usesLeft }) => {
      const text = grantsToText(grants);
      await run(invitations.insert, [codeHash, text, label, createdAt, expiresAt, usesLeft]);
    },
    insertDevice: async (device, codeHash) => {
      const { id, name, grants, secretHash, createdAt, renewedAt, revokedAt } = device;
      const text = grantsToText(grants);
      const values = [id, name, text, secretHash, createdAt, renewedAt, revokedAt, codeHash];
      await run(devices.insert, values);
    },
    changeAccess: async () => {
      await run(raiseVersion, []);
    },
    append: async ({ at, actor, action, target, space, detail }) => {
      await run(audit.append, [at, actor, action, target, space, JSON.stringify(detail)]);
    },
  };
};

/** An entry of what somebody does now. */
export const entryOf = (
  { actor, now }: Actor,
  action: string,
  target: string,
  more: { readonly space: SpaceId | null; readonly detail?: AuditEntry["detail"] },
): AuditEntry & { readonly at: Stamp } => ({
  at: now,
  actor,
  action,
  target,
  space: more.space,
  detail: more.detail ?? {},
});
