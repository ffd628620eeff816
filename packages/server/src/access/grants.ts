import type { SpaceId } from "@synchro/core";

/** What a holder may do in a space; each includes those before it. */
export const levels = ["read", "write", "admin"] as const;

export type Level = (typeof levels)[number];

/** Stands for every space, those that are yet to be made included: an operator's grant. */
export const EVERY_SPACE = "*";

/** By space what a token or a device may do there. */
export type Grants = ReadonlyMap<SpaceId | typeof EVERY_SPACE, Level>;

/** The greatest level that is granted in a space; null: it is not to be seen. */
export const levelIn = (grants: Grants, space: SpaceId): Level | null => {
  const own = grants.get(space);
  const everywhere = grants.get(EVERY_SPACE);
  if (own === undefined || everywhere === undefined) return own ?? everywhere ?? null;
  return levels.indexOf(own) > levels.indexOf(everywhere) ? own : everywhere;
};

/** Whether one level includes another. */
export const includesLevel = (held: Level, wanted: Level): boolean =>
  levels.indexOf(held) >= levels.indexOf(wanted);
