import type { CollectionName, JsonObject, MergeRules } from "@synchro/core";

/** What is wrong with a value: an RFC 6901 pointer within it, and one sentence that names the field and the rule. */
export type ValueFault = { readonly path: string; readonly message: string };

/** A declared collection, ready for use. */
export type Collection = {
  readonly name: CollectionName;
  /** The member that repeats the key; null if none does. */
  readonly keyField: string | null;
  readonly merge: MergeRules;
  readonly keepsHistory: boolean;
  /** The JSON Schema of the value, as declared. */
  readonly schema: { readonly [keyword: string]: unknown };
  /**
   * The faults of a value that has passed the data rules; empty if it fits the schema. Stops at the
   * first where more would cost more. Under `fields` a value may lack what is required: patches do.
   */
  readonly validate: (value: JsonObject) => readonly ValueFault[];
};
