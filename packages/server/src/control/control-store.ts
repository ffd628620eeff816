import type { SpaceId, Stamp } from "@synchro/core";
import type { Grants } from "../access/grants.ts";

declare const deviceIdBrand: unique symbol;

/** The name of one device that was let in by an invitation: `d_` and 20 hexadecimal digits. */
export type DeviceId = string & { readonly [deviceIdBrand]: true };

/** A space that an operator has made, named or deleted. Others exist by being written to. */
export type SpaceEntry = {
  readonly id: SpaceId;
  /** For people; the id never changes. */
  readonly title: string;
  /** Live records that it may hold; null: as many as the disk has room for. */
  readonly recordsMax: number | null;
  readonly createdAt: Stamp;
  /** Set: it answers as one that does not exist, and its records stay. */
  readonly deletedAt: Stamp | null;
};

/** A code that lets devices in, once or a few times. Of the code itself only its hash is kept. */
export type Invitation = {
  /** Hexadecimal SHA-256 of the normalised code. */
  readonly codeHash: string;
  readonly grants: Grants;
  /** What people call it: "handhelds, Malmö". */
  readonly label: string;
  readonly createdAt: Stamp;
  readonly expiresAt: Stamp;
  /** Devices that it may still let in. */
  readonly usesLeft: number;
};

/** A device that was let in. Its secret was made by the device, and only its hash is kept. */
export type Device = {
  readonly id: DeviceId;
  readonly name: string;
  readonly grants: Grants;
  /** Hexadecimal SHA-256 of the device's secret. */
  readonly secretHash: string;
  readonly createdAt: Stamp;
  /** The last time that it renewed its token. */
  readonly renewedAt: Stamp;
  readonly revokedAt: Stamp | null;
};

/** A token that was taken back before its time. */
export type RevokedToken = {
  readonly tokenId: string;
  /** When the token ends by itself; then the entry may go. */
  readonly expiresAt: Stamp;
};

/** One action of an administrator: appended, never altered, never removed. */
export type AuditEntry = {
  readonly at: Stamp;
  /** Who did it: a token's subject, or `cli:USER@HOST`. */
  readonly actor: string;
  /** `space.create`, `invite.create`, `device.admit`, `token.mint`, `token.revoke`, `key.new`, … */
  readonly action: string;
  /** What it was done to: the id of a space, of a device, of a token, of a key. */
  readonly target: string;
  /** The space concerned, if there is one: who administers it may read the entry. */
  readonly space: SpaceId | null;
  /** What else is to be known. No secret and no code ever stands here. */
  readonly detail: { readonly [name: string]: string | number | boolean | null };
};

/** All that a decision about a caller depends on besides the caller's token; one moment of it. */
export type AccessState = {
  readonly deletedSpaces: ReadonlySet<SpaceId>;
  readonly recordsMax: ReadonlyMap<SpaceId, number>;
  readonly revokedTokens: ReadonlySet<string>;
  readonly revokedDevices: ReadonlySet<DeviceId>;
};

/** Seconds within which every server honours what was changed here: a deletion, a revocation, a quota. */
export const HONOURED_WITHIN_S = 10;

/** What came of a code that a device showed. */
export type Admittance =
  | { readonly kind: "admitted"; readonly device: Device }
  /** Unknown, used up or expired: nobody learns which. */
  | { readonly kind: "refused" };

export type SpaceOutcome =
  /** The entry as it is now; nothing was changed, and nothing audited, where it was so already. */
  | { readonly kind: "done"; readonly space: SpaceEntry }
  /** It stands in the way; nothing was changed. */
  | { readonly kind: "exists"; readonly space: SpaceEntry }
  | { readonly kind: "absent" };

/**
 * What a server knows besides records: spaces, invitations, devices, revocations, and the log of who
 * did what. It is small, seldom written, and shared by all processes over the same data: a command
 * line writes it while servers run, and they notice by `readAccess`.
 *
 * Guarantees of every engine (`control-store.contract.ts`):
 * - Each call is one transaction with its audit entry, durable when it resolves; the entry is written
 *   exactly if the call changed something. `renew` alone leaves none: no administrator did it.
 * - `admit` is idempotent: a device that shows the same code with the same secret again, because an
 *   answer was lost, is the same device, and uses the code once.
 * - The audit log can only grow: the engine itself refuses to alter or remove an entry.
 * - A call that finds the disk full, or the data held by another process for long, rejects with
 *   `ControlUnavailableError` and has changed nothing.
 *
 * Duties of the caller: codes and secrets are hashed before they come here.
 */
export interface ControlStore {
  /** What decisions depend on, as it is now. Cheap where nothing has changed: the same object again. */
  readAccess(): Promise<AccessState>;

  /** By id, deleted ones included. */
  listSpaces(): Promise<readonly SpaceEntry[]>;
  /** `exists` also where it was deleted: its records are still there. */
  createSpace(
    space: Pick<SpaceEntry, "id" | "title" | "recordsMax">,
    by: Actor,
  ): Promise<SpaceOutcome>;
  /**
   * Changes title or quota; a space that exists only by its records gets its entry here (whether
   * there are any is the caller's to look at). A deleted one is `absent`.
   */
  changeSpace(
    id: SpaceId,
    change: { readonly title?: string; readonly recordsMax?: number | null },
    by: Actor,
  ): Promise<SpaceOutcome>;
  /** From now on it answers as one that does not exist, with or without an entry until then. Deleting twice is deleting once. */
  deleteSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome>;
  /** Takes a deletion back; `absent` where there is no entry. */
  undeleteSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome>;
  /** Forgets the entry of a deleted space whose records were erased; one that is not deleted `exists`. */
  forgetSpace(id: SpaceId, by: Actor): Promise<SpaceOutcome>;

  createInvitation(invitation: Invitation, by: Actor): Promise<void>;
  /** Lets a device in by a code, or finds the one that these let in before. */
  admit(
    shown: { readonly codeHash: string; readonly secretHash: string; readonly name: string },
    device: DeviceId,
    now: Stamp,
  ): Promise<Admittance>;
  /**
   * The device of a secret; null if there is none or it was revoked. Its `renewedAt` is set to `now`,
   * unless less than a minute has passed: a device that asks in a loop makes the disk no work.
   */
  renew(device: DeviceId, secretHash: string, now: Stamp): Promise<Device | null>;
  /** Revoked ones included; null if there is none. */
  findDevice(id: DeviceId): Promise<Device | null>;
  /** The newest first, revoked ones included; those that hold every space hold this one too. `space` null: all. */
  listDevices(space: SpaceId | null): Promise<readonly Device[]>;
  /** Null if there is none. Revoking twice is revoking once. */
  revokeDevice(id: DeviceId, by: Actor): Promise<Device | null>;
  /** Twice is once. Entries of tokens that have long ended by themselves go on this occasion. */
  revokeToken(token: RevokedToken, by: Actor): Promise<void>;

  /** Appends an action that changed nothing here: a token minted, a purge, a restore. */
  audit(entry: AuditEntry): Promise<void>;
  /** The newest first; `space` null: all, of no space included; `before`: only numbers below; at most `limit`. */
  listAudit(of: {
    readonly space: SpaceId | null;
    readonly before: number | null;
    readonly limit: number;
  }): Promise<readonly (AuditEntry & { readonly number: number })[]>;

  /** Idempotent; other calls fail from then on. */
  close(): Promise<void>;
}

/** Who does something, and when. */
export type Actor = { readonly actor: string; readonly now: Stamp };
