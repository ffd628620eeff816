import type { JsonObject } from "@synchro/core";
import { collection } from "../../packages/client/src/collection/collection.ts";
import { LATE_COLLECTION } from "../server/settings.ts";

const VERSION_MEMBER = "declared";

/** The late collection as a program of this version declares it: its values say so. Hostile edits go to the others: no app can make them. */
export const declarationAt = (version: number) =>
  collection(LATE_COLLECTION, {
    fields: {},
    version,
    upgrade: (value: JsonObject) => ({ ...value, [VERSION_MEMBER]: version }),
  });

/** A value as a program of this version makes it. */
export const valueAt = (version: number, name: string, value: string | null): string | null =>
  value === null || name !== LATE_COLLECTION || version === 1
    ? value
    : JSON.stringify({ ...(JSON.parse(value) as JsonObject), [VERSION_MEMBER]: version });

/** A value with what upgrades do to it taken away: a device's own copy may be of a newer declaration than the server's. */
export const withoutVersion = (name: string, value: string | null): string | null => {
  if (value === null || name !== LATE_COLLECTION || !value.includes(VERSION_MEMBER)) return value;
  const { [VERSION_MEMBER]: _, ...rest } = JSON.parse(value) as JsonObject;
  return JSON.stringify(rest);
};
