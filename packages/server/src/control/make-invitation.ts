import { addMicros, type Runtime, type Stamp } from "@synchro/core";
import type { Grants } from "../access/grants.ts";
import type { ControlStore } from "./control-store.ts";
import { drawInvitationCode, hashOfSecret, normaliseCode } from "./invitation-code.ts";

export type InvitationWish = {
  readonly grants: Grants;
  readonly label: string;
  readonly lastsS: number;
  readonly uses: number;
  /** Who invites. */
  readonly actor: string;
};

/** A code in the form in which it is shown, this once. */
export type MadeInvitation = { readonly code: string; readonly expiresAt: Stamp };

/** Makes an invitation and keeps what must be known of it: not the code. Spec: DEVICE-1, DEVICE-3. */
export const makeInvitation = async (
  deps: {
    readonly control: Pick<ControlStore, "createInvitation">;
    readonly runtime: Pick<Runtime, "now" | "randomBytes" | "sha256">;
  },
  { grants, label, lastsS, uses, actor }: InvitationWish,
): Promise<MadeInvitation> => {
  const { control, runtime } = deps;
  const code = drawInvitationCode(runtime);
  const now = runtime.now();
  const expiresAt = addMicros(now, lastsS * 1_000_000);
  const codeHash = hashOfSecret(runtime, normaliseCode(code) ?? code);
  const invitation = { codeHash, grants, label, createdAt: now, expiresAt, usesLeft: uses };
  await control.createInvitation(invitation, { actor, now });
  return { code, expiresAt };
};

/** What a QR code holds: the address of the server's app, the code behind its `#`, which no server ever sees. */
export const joinUrl = (publicUrl: string, code: string): string =>
  `${publicUrl.replace(/\/+$/, "")}/#join=${code}`;
