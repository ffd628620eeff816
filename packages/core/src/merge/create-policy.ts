import { createFieldsPolicy, type FieldRules } from "./fields/create-fields-policy.ts";
import { lastWrite } from "./last-write.ts";
import type { MergePolicy } from "./merge-policy.ts";

/** How the versions of a collection meet, as plain data: a policy's name, or the rules of `fields`. */
export type MergeRules = "last-write" | FieldRules;

/** The policy that keeps the rules. `bytesMax`: what a merged record may come to. See `createFieldsPolicy`. */
export const createPolicy = (rules: MergeRules, bytesMax: number): MergePolicy =>
  rules === "last-write" ? lastWrite : createFieldsPolicy(rules, bytesMax);
