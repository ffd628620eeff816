import type { SpaceId } from "@synchro/core";
import type { Actor, SpaceEntry } from "./control-store.ts";

/** Hexadecimal digits of a code's hash by which the log names an invitation. */
const INVITATION_NAME_LENGTH = 12;

/** What the log calls an invitation: too little of its hash to be of use to anybody. */
export const invitationName = (codeHash: string): string =>
  codeHash.slice(0, INVITATION_NAME_LENGTH);

/** What an entry begins with. */
export const newEntry = (by: Actor): Pick<SpaceEntry, "createdAt" | "deletedAt"> => ({
  createdAt: by.now,
  deletedAt: null,
});

/** The entry of a space that exists by its records alone. */
export const bareEntry = (id: SpaceId, by: Actor): SpaceEntry => ({
  id,
  title: id,
  recordsMax: null,
  ...newEntry(by),
});
