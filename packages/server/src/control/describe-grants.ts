import type { SpaceId } from "@synchro/core";
import { EVERY_SPACE, type Grants } from "../access/grants.ts";

/** Grants in one line, for the audit log: `shop-1:write shop-2:read`. */
export const describeGrants = (grants: Grants): string =>
  Array.from(grants, ([space, level]) => `${space}:${level}`)
    .toSorted()
    .join(" ");

/** The space that grants are for, if it is one; who administers it then reads what concerns them, and of no other space. */
export const onlySpaceOf = (grants: Grants): SpaceId | null => {
  const [space, ...others] = grants.keys();
  return space === undefined || space === EVERY_SPACE || others.length > 0 ? null : space;
};
