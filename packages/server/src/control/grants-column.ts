import type { Grants, Level } from "../access/grants.ts";

/** Grants as a column holds them. */
export const grantsToText = (grants: Grants): string => JSON.stringify(Object.fromEntries(grants));

/** Grants as `grantsToText` wrote them. */
export const grantsFromText = (text: string): Grants =>
  new Map(Object.entries(JSON.parse(text) as { readonly [space: string]: Level })) as Grants;
