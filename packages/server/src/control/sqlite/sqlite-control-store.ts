import type { DatabaseSync } from "node:sqlite";
import { addMicros, formatStamp, type SpaceId, type Stamp } from "@synchro/core";
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
import { describeGrants, onlySpaceOf } from "../describe-grants.ts";
import { type AccessReader, createAccessReader } from "./access-reader.ts";
import { type AuditTable, createAuditTable } from "./audit-table.ts";
import { ControlConnection } from "./control-connection.ts";
import { createDeviceTable, type DeviceTable } from "./device-table.ts";
import { createInvitationTable, type InvitationTable } from "./invitation-table.ts";
import { createRevokedTokenTable, type RevokedTokenTable } from "./revoked-token-table.ts";
import { createSpaceEntries, type SpaceEntries } from "./space-entries.ts";

const MINUTE = 60_000_000;
const DAY = 24 * 60 * MINUTE;

type CachedAccess = {
  readonly dataVersion: number;
  readonly writes: number;
  readonly state: AccessState;
};

/** The control store in a file of its own, which several processes have open at a time. */
export class SqliteControlStore implements ControlStore {
  readonly #connection: ControlConnection;
  readonly #spaces: SpaceEntries;
  readonly #invitations: InvitationTable;
  readonly #devices: DeviceTable;
  readonly #revokedTokens: RevokedTokenTable;
  readonly #audit: AuditTable;
  readonly #reader: AccessReader;
  #access: CachedAccess | null = null;

  /** Over a file that was prepared; the connection is the store's from then on. */
  constructor(database: DatabaseSync) {
    this.#connection = new ControlConnection(database);
    this.#spaces = createSpaceEntries(database);
    this.#invitations = createInvitationTable(database);
    this.#devices = createDeviceTable(database);
    this.#revokedTokens = createRevokedTokenTable(database);
    this.#audit = createAuditTable(database);
    this.#reader = createAccessReader(database);
  }

  async readAccess(): Promise<AccessState> {
    return this.#connection.read(() => {
      // Within the transaction: what is read then is what the number tells of.
      const dataVersion = this.#reader.dataVersion();
      const { writes } = this.#connection;
      const known = this.#access;
      if (known?.dataVersion === dataVersion && known.writes === writes) return known.state;
      const state = this.#reader.read();
      this.#access = { dataVersion, writes, state };
      return state;
    });
  }

  async listSpaces(): Promise<readonly SpaceEntry[]> {
    return this.#connection.read(() => this.#spaces.list());
  }

  async createSpace(
    space: Pick<SpaceEntry, "id" | "title" | "recordsMax">,
    by: Actor,
  ): Promise<SpaceOutcome> {
    return this.#connection.write(() => {
      const found = this.#spaces.find(space.id);
      if (found !== null) return { kind: "exists", space: found };
      const { title, recordsMax } = space;
      const detail = { title, records_max: recordsMax };
      return this.#save({ ...space, ...newEntry(by) }, "space.create", by, detail);
    });
  }

  async changeSpace(
    id: SpaceId,
    change: { readonly title?: string; readonly recordsMax?: number | null },
    by: Actor,
  ): Promise<SpaceOutcome> {
    return this.#connection.write(() => {
      const found = this.#spaces.find(id);
      const before = found ?? bareEntry(id, by);
      if (before.deletedAt !== null) return { kind: "absent" };
      const after = { ...before, ...change };
      const { title, recordsMax } = after;
      const isSame = title === before.title && recordsMax === before.recordsMax;
      if (found !== null && isSame) return { kind: "done", space: found };
      const detail = { title, records_max: recordsMax };
      return this.#save(after, "space.change", by, detail);
    });
  }

  async deleteSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome> {
    return this.#connection.write(() => {
      const found = this.#spaces.find(id) ?? bareEntry(id, by);
      if (found.deletedAt !== null) return { kind: "done", space: found };
      return this.#save({ ...found, deletedAt: by.now }, "space.delete", by);
    });
  }

  async undeleteSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome> {
    return this.#connection.write(() => {
      const found = this.#spaces.find(id);
      if (found === null) return { kind: "absent" };
      if (found.deletedAt === null) return { kind: "done", space: found };
      return this.#save({ ...found, deletedAt: null }, "space.undelete", by);
    });
  }

  async forgetSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome> {
    return this.#connection.write(() => {
      const space = this.#spaces.find(id);
      if (space === null) return { kind: "absent" };
      if (space.deletedAt === null) return { kind: "exists", space };
      this.#spaces.remove(id);
      this.#append(by, "space.forget", id, id);
      return { kind: "done", space };
    });
  }

  async createInvitation(invitation: Invitation, by: Actor): Promise<void> {
    this.#connection.write(() => {
      this.#invitations.sweep(by.now);
      this.#invitations.insert(invitation);
      const { codeHash, grants, label, expiresAt, usesLeft } = invitation;
      this.#append(by, "invite.create", invitationName(codeHash), onlySpaceOf(grants), {
        grants: describeGrants(grants),
        label,
        expires_at: formatStamp(expiresAt),
        uses: usesLeft,
      });
    });
  }

  async admit(
    shown: { readonly codeHash: string; readonly secretHash: string; readonly name: string },
    id: DeviceId,
    now: Stamp,
  ): Promise<Admittance> {
    const { codeHash, secretHash, name } = shown;
    return this.#connection.write(() => {
      const known = this.#devices.findShown(codeHash, secretHash);
      if (known !== null) {
        return known.revokedAt === null ? { kind: "admitted", device: known } : { kind: "refused" };
      }
      const invitation = this.#invitations.find(codeHash);
      if (invitation === null || invitation.usesLeft < 1 || invitation.expiresAt <= now) {
        return { kind: "refused" };
      }
      const { grants } = invitation;
      const times = { createdAt: now, renewedAt: now, revokedAt: null };
      const device: Device = { id, name, grants, secretHash, ...times };
      this.#devices.insert(device, codeHash);
      this.#invitations.use(codeHash);
      this.#append({ actor: id, now }, "device.admit", id, onlySpaceOf(grants), {
        name,
        invitation: invitationName(codeHash),
        grants: describeGrants(grants),
      });
      return { kind: "admitted", device };
    });
  }

  async renew(id: DeviceId, secretHash: string, now: Stamp): Promise<Device | null> {
    const found = this.#connection.read(() => this.#devices.find(id));
    if (found === null || found.secretHash !== secretHash || found.revokedAt !== null) return null;
    if (now < addMicros(found.renewedAt, MINUTE)) return found;
    return this.#connection.write(() => {
      const device = this.#devices.find(id);
      if (device === null || device.revokedAt !== null) return null;
      this.#devices.setRenewed(id, now);
      return { ...device, renewedAt: now };
    });
  }

  async findDevice(id: DeviceId): Promise<Device | null> {
    return this.#connection.read(() => this.#devices.find(id));
  }

  async listDevices(space: SpaceId | null): Promise<readonly Device[]> {
    return this.#connection.read(() => this.#devices.list(space));
  }

  async revokeDevice(id: DeviceId, by: Actor): Promise<Device | null> {
    return this.#connection.write(() => {
      const device = this.#devices.find(id);
      if (device === null || device.revokedAt !== null) return device;
      this.#devices.setRevoked(id, by.now);
      this.#append(by, "device.revoke", id, onlySpaceOf(device.grants), { name: device.name });
      return { ...device, revokedAt: by.now };
    });
  }

  async revokeToken(token: RevokedToken, by: Actor): Promise<void> {
    this.#connection.write(() => {
      this.#revokedTokens.sweep(addMicros(by.now, -DAY));
      if (!this.#revokedTokens.insert(token)) return;
      const { tokenId, expiresAt } = token;
      this.#append(by, "token.revoke", tokenId, null, { expires_at: formatStamp(expiresAt) });
    });
  }

  async audit(entry: AuditEntry): Promise<void> {
    this.#connection.write(() => this.#audit.append(entry));
  }

  async listAudit(
    of: Parameters<ControlStore["listAudit"]>[0],
  ): ReturnType<ControlStore["listAudit"]> {
    return this.#connection.read(() => this.#audit.list(of));
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  #save(
    space: SpaceEntry,
    action: string,
    by: Actor,
    detail: AuditEntry["detail"] = {},
  ): SpaceOutcome {
    this.#spaces.save(space);
    this.#append(by, action, space.id, space.id, detail);
    return { kind: "done", space };
  }

  #append(
    { actor, now }: Actor,
    action: string,
    target: string,
    space: SpaceId | null,
    detail: AuditEntry["detail"] = {},
  ): void {
    this.#audit.append({ at: now, actor, action, target, space, detail });
  }
}
