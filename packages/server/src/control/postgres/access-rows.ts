import type { SpaceId } from "@synchro/core";
import type { PostgresReader } from "../../postgres/postgres-transaction.ts";
import type { AccessState, DeviceId } from "../control-store.ts";
import { devices, revokedTokens, spaces } from "./control-statements.ts";

/** All that decisions depend on, in one round trip. */
export const readAccessState = async ({ read }: PostgresReader): Promise<AccessState> => {
  const [restricted, tokens, revoked] = await Promise.all([
    read<[SpaceId, boolean, number | null]>(spaces.restricted),
    read<[string]>(revokedTokens.list),
    read<[DeviceId]>(devices.revoked),
  ]);
  const recordsMax = new Map<SpaceId, number>();
  for (const [id, , max] of restricted) if (max !== null) recordsMax.set(id, max);
  return {
    deletedSpaces: new Set(restricted.filter(([, isDeleted]) => isDeleted).map(([id]) => id)),
    recordsMax,
    revokedTokens: new Set(tokens.map(([id]) => id)),
    revokedDevices: new Set(revoked.map(([id]) => id)),
  };
};
