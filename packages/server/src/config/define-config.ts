import type { FieldFunctions, MergePolicyName } from "@synchro/core";
import type { Limits } from "@synchro/protocol";

/** One collection as a configuration declares it. */
export type CollectionConfig = {
  /**
   * A JSON Schema (draft 2020-12) of the value, an object. Formats: `date`, `date-time`, `instant`
   * (whatever `/v1` reads as a date). References reach within the schema only. A `pattern` runs on
   * values that clients send: write one that can't backtrack for long.
   */
  readonly schema: { readonly [keyword: string]: unknown };
  /** The member that repeats the record's key, if there is one: a value that has it must agree with the key. */
  readonly key?: string;
  /**
   * What becomes of two versions; `last-write` if absent: the later one stays. With `fields` each field
   * is merged by itself, and the schema may constrain each field alone: of its keywords `properties`,
   * `patternProperties`, `additionalProperties`, `propertyNames` and `required`.
   */
  readonly merge?: MergePolicyName;
  /**
   * With `merge: "fields"`: fields that no stamp decides. `min` and `max` are for numbers and text,
   * `union` for lists to which items are only ever added.
   */
  readonly functions?: FieldFunctions;
  /** Whether every version is kept and can be listed; false if absent. */
  readonly history?: boolean;
};

/** Of a built-in collection (`readings`, `batches`) only this may be chosen. */
export type BuiltInCollectionConfig = { readonly history?: boolean };

/** What a configuration file holds. */
export type Config = {
  readonly collections?: {
    readonly readings?: BuiltInCollectionConfig;
    readonly batches?: BuiltInCollectionConfig;
    readonly [name: string]: CollectionConfig | BuiltInCollectionConfig | undefined;
  };
  /** Only those that differ from the defaults. */
  readonly limits?: Partial<Limits>;
};

/**
 * Gives a configuration in TypeScript its type:
 * `export default defineConfig({ collections: { … } })`. Returns it as it is; the server checks it
 * when it starts.
 */
export const defineConfig = (config: Config): Config => config;
