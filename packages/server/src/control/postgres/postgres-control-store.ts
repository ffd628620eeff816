import { addMicros, formatStamp, type SpaceId, type Stamp } from "@synchro/core";
import { EVERY_SPACE } from "../../access/grants.ts";
import type { PostgresPool } from "../../postgres/postgres-pool.ts";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import { EVERY_SPACE as ALL_ROWS } from "../../postgres/space-policy.ts";
import { bareEntry, invitationName, newEntry } from "../control-entries.ts";
import type {
  AccessState,
  Actor,
  Admittance,
  AuditEntry,
  ControlStore,
  Device,
  DeviceId,
  Invitation,
  RevokedToken,
  SpaceEntry,
  SpaceOutcome,
} from "../control-store.ts";
import { ControlUnavailableError } from "../control-unavailable-error.ts";
import { describeGrants, onlySpaceOf } from "../describe-grants.ts";
import { readAccessState } from "./access-rows.ts";
import {
  audit,
  auditFromRow,
  type AuditRow,
  deviceFromRow,
  type DeviceRow,
  devices,
  invitations,
  readVersion,
  revokedTokens,
  spaceFromRow,
  type SpaceRow,
  spaces,
} from "./control-statements.ts";
import { beginControl, type ControlTransaction, entryOf } from "./control-transaction.ts";

const MINUTE = 60_000_000;
const DAY = 24 * 60 * MINUTE;

const everything = { space: ALL_ROWS } as const;

/**
 * The control store in the database that holds the records, shared by all nodes over it. It has a
 * pool of its own: who may in is to be found out however busy the records are.
 */
export class PostgresControlStore implements ControlStore {
  readonly #pool: PostgresPool;
  #access: { readonly version: number; readonly state: AccessState } | null = null;
  #isClosed = false;

  /** The pool is the store's from then on. */
  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  async readAccess(): Promise<AccessState> {
    return this.#read(async (reader) => {
      const [row] = await reader.read<[number]>(readVersion);
      const version = row?.[0] ?? 0;
      const known = this.#access;
      if (known?.version === version) return known.state;
      const state = await readAccessState(reader);
      this.#access = { version, state };
      return state;
    });
  }

  async listSpaces(): Promise<readonly SpaceEntry[]> {
    return this.#read(async ({ read }) => (await read<SpaceRow>(spaces.list)).map(spaceFromRow));
  }

  async createSpace(
    space: Pick<SpaceEntry, "id" | "title" | "recordsMax">,
    by: Actor,
  ): Promise<SpaceOutcome> {
    return this.#write(async (control) => {
      const found = await control.findSpace(space.id);
      if (found !== null) return { kind: "exists", space: found };
      const { title, recordsMax } = space;
      const detail = { title, records_max: recordsMax };
      return save(control, { ...space, ...newEntry(by) }, "space.create", by, detail);
    });
  }

  async changeSpace(
    id: SpaceId,
    change: { readonly title?: string; readonly recordsMax?: number | null },
    by: Actor,
  ): Promise<SpaceOutcome> {
    return this.#write(async (control) => {
      const found = await control.findSpace(id);
      const before = found ?? bareEntry(id, by);
      if (before.deletedAt !== null) return { kind: "absent" };
      const after = { ...before, ...change };
      const { title, recordsMax } = after;
      const isSame = title === before.title && recordsMax === before.recordsMax;
      if (found !== null && isSame) return { kind: "done", space: found };
      const detail = { title, records_max: recordsMax };
      return save(control, after, "space.change", by, detail);
    });
  }

  async deleteSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome> {
    return this.#write(async (control) => {
      const found = (await control.findSpace(id)) ?? bareEntry(id, by);
      if (found.deletedAt !== null) return { kind: "done", space: found };
      return save(control, { ...found, deletedAt: by.now }, "space.delete", by);
    });
  }

  async undeleteSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome> {
    return this.#write(async (control) => {
      const found = await control.findSpace(id);
      if (found === null) return { kind: "absent" };
      if (found.deletedAt === null) return { kind: "done", space: found };
      return save(control, { ...found, deletedAt: null }, "space.undelete", by);
    });
  }

  async forgetSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome> {
    return this.#write(async (control) => {
      const space = await control.findSpace(id);
      if (space === null) return { kind: "absent" };
      if (space.deletedAt === null) return { kind: "exists", space };
      await control.run(spaces.remove, [id]);
      await control.changeAccess();
      await control.append(entryOf(by, "space.forget", id, { space: id }));
      return { kind: "done", space };
    });
  }

  async createInvitation(invitation: Invitation, by: Actor): Promise<void> {
    await this.#write(async (control) => {
      await control.run(invitations.sweep, [by.now]);
      await control.insertInvitation(invitation);
      const { codeHash, grants, label, expiresAt, usesLeft } = invitation;
      const detail = {
        grants: describeGrants(grants),
        label,
        expires_at: formatStamp(expiresAt),
        uses: usesLeft,
      };
      const space = onlySpaceOf(grants);
      await control.append(
        entryOf(by, "invite.create", invitationName(codeHash), { space, detail }),
      );
    });
  }

  async admit(
    shown: { readonly codeHash: string; readonly secretHash: string; readonly name: string },
    id: DeviceId,
    now: Stamp,
  ): Promise<Admittance> {
    const { codeHash, secretHash, name } = shown;
    return this.#write(async (control): Promise<Admittance> => {
      const known = await control.findDevice(devices.findShown, [codeHash, secretHash]);
      if (known !== null) {
        return known.revokedAt === null ? { kind: "admitted", device: known } : { kind: "refused" };
      }
      const invitation = await control.findInvitation(codeHash);
      if (invitation === null || invitation.usesLeft < 1 || invitation.expiresAt <= now) {
        return { kind: "refused" };
      }
      const { grants } = invitation;
      const times = { createdAt: now, renewedAt: now, revokedAt: null };
      const device: Device = { id, name, grants, secretHash, ...times };
      await control.insertDevice(device, codeHash);
      await control.run(invitations.use, [codeHash]);
      const detail = {
        name,
        invitation: invitationName(codeHash),
        grants: describeGrants(grants),
      };
      const space = onlySpaceOf(grants);
      await control.append(entryOf({ actor: id, now }, "device.admit", id, { space, detail }));
      return { kind: "admitted", device };
    });
  }

  async renew(id: DeviceId, secretHash: string, now: Stamp): Promise<Device | null> {
    const found = await this.findDevice(id);
    if (found === null || found.secretHash !== secretHash || found.revokedAt !== null) return null;
    if (now < addMicros(found.renewedAt, MINUTE)) return found;
    return this.#write(async (control) => {
      const device = await control.findDevice(devices.find, [id]);
      if (device === null || device.revokedAt !== null) return null;
      await control.run(devices.setRenewed, [now, id]);
      return { ...device, renewedAt: now };
    });
  }

  async findDevice(id: DeviceId): Promise<Device | null> {
    return this.#read(async ({ read }) => {
      const [row] = await read<DeviceRow>(devices.find, [id]);
      return row === undefined ? null : deviceFromRow(row);
    });
  }

  async listDevices(space: SpaceId | null): Promise<readonly Device[]> {
    return this.#read(async ({ read }) => {
      const rows =
        space === null
          ? await read<DeviceRow>(devices.list)
          : await read<DeviceRow>(devices.listOf, [[space, EVERY_SPACE]]);
      return rows.map(deviceFromRow);
    });
  }

  async revokeDevice(id: DeviceId, by: Actor): Promise<Device | null> {
    return this.#write(async (control) => {
      const device = await control.findDevice(devices.find, [id]);
      if (device === null || device.revokedAt !== null) return device;
      await control.run(devices.setRevoked, [by.now, id]);
      await control.changeAccess();
      const space = onlySpaceOf(device.grants);
      await control.append(
        entryOf(by, "device.revoke", id, { space, detail: { name: device.name } }),
      );
      return { ...device, revokedAt: by.now };
    });
  }

  async revokeToken(token: RevokedToken, by: Actor): Promise<void> {
    await this.#write(async (control) => {
      const { tokenId, expiresAt } = token;
      const swept = await control.run(revokedTokens.sweep, [addMicros(by.now, -DAY)]);
      const written = await control.run(revokedTokens.insert, [tokenId, expiresAt]);
      if (swept + written > 0) await control.changeAccess();
      if (written === 0) return;
      const detail = { expires_at: formatStamp(expiresAt) };
      await control.append(entryOf(by, "token.revoke", tokenId, { space: null, detail }));
    });
  }

  async audit(entry: AuditEntry): Promise<void> {
    await this.#write((control) => control.append(entry));
  }

  async listAudit({
    space,
    before,
    limit,
  }: Parameters<ControlStore["listAudit"]>[0]): ReturnType<ControlStore["listAudit"]> {
    const below = before ?? Number.MAX_SAFE_INTEGER;
    return this.#read(async ({ read }) => {
      const rows =
        space === null
          ? await read<AuditRow>(audit.list, [below, limit])
          : await read<AuditRow>(audit.listOf, [below, limit, space]);
      return rows.map(auditFromRow);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.close();
  }

  async #read<Result>(work: (reader: PostgresReader) => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    return this.#pool.read(everything, work);
  }

  /** One transaction with its entry, durable when it resolves; alone among all nodes' writes. */
  async #write<Result>(work: (control: ControlTransaction) => Promise<Result>): Promise<Result> {
    this.#assertOpen();
    const outcome = await this.#pool.transaction(everything, async (transaction) =>
      work(await beginControl(transaction)),
    );
    if (outcome.kind === "full") throw new ControlUnavailableError("full");
    return outcome.result;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error("the control store is closed");
  }
}

const save = async (
  control: ControlTransaction,
  space: SpaceEntry,
  action: string,
  by: Actor,
  detail: AuditEntry["detail"] = {},
): Promise<SpaceOutcome> => {
  await control.saveSpace(space);
  await control.changeAccess();
  await control.append(entryOf(by, action, space.id, { space: space.id, detail }));
  return { kind: "done", space };
};
