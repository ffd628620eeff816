import type { CollectionName } from "./collection-name.ts";
import { isJsonTextEqual } from "./json.ts";
import type { Stamp } from "./stamp.ts";

/** A place in a space's order of commits: an integer from 1; 0 is "before everything". */
export type Seq = number;

/** Who is said to have made a change. `verified` only if it is the subject of the token that brought it. */
export type Author = { readonly name: string; readonly verified: boolean };

/** One version of a record, as it is stored. */
export type StoredRecord = {
  readonly collection: CollectionName;
  readonly key: string;
  readonly seq: Seq;
  readonly stamp: Stamp;
  /** The value as JSON text, kept as text from the table to the socket; null is a tombstone. */
  readonly value: string | null;
  /**
   * What the policy `fields` knows beside the value, as it stands on the wire: the members
   * `"life":…,"stamps":{…}`, without braces around. Null: written under another policy. Stores keep it
   * as opaque text; `parseFieldState` reads it.
   */
  readonly fieldState: string | null;
  readonly author: Author | null;
};

/** Whether two values (null: deleted) are equal as JSON data. */
export const isSameValue = (a: string | null, b: string | null): boolean =>
  a === null || b === null ? a === b : isJsonTextEqual(a, b);

/** A text that names one record within a space. */
export const recordId = (collection: CollectionName, key: string): string =>
  `${collection}\u0000${key}`;
