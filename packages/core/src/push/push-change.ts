import type { CollectionName } from "../collection-name.ts";
import type { JsonObject } from "../json.ts";
import type { Author, Seq } from "../record.ts";
import type { Stamp } from "../stamp.ts";
import type { Rejection } from "./rejection.ts";

type Target = {
  readonly collection: CollectionName;
  readonly key: string;
  readonly stamp: Stamp;
  readonly author: Author | null;
};

/** A valid `/v2` change: the record should hold exactly this value (JSON text; null: deleted) as of `stamp`. */
export type WriteChange = Target & {
  readonly kind: "write";
  /** The seq of the version that the edit replaced; null if the client knew of none. */
  readonly base: Seq | null;
  readonly value: string | null;
  /**
   * Under `fields`, where `value` is a patch: its `"life":…,"stamps":{…}` with a stamp for each field,
   * as `formatFieldState` writes it; `stamp` is then the greatest of all. Null under any other policy.
   */
  readonly fieldState: string | null;
};

/** A valid `/v1` change: these members are set, and the stored value keeps its others. */
export type AssignChange = Target & { readonly kind: "assign"; readonly members: JsonObject };

/** A change refused before any record was read. What is known of it is kept with the reason. */
export type RefusedChange = RefusedEvidence & { readonly kind: "refused" };

export type PushChange = WriteChange | AssignChange | RefusedChange;

/** The answer to one change. */
export type ChangeResult =
  | { readonly kind: "applied"; readonly seq: Seq }
  /** Under `fields`: the change and others' became one, or were one already. */
  | { readonly kind: "merged"; readonly seq: Seq }
  | { readonly kind: "superseded"; readonly seq: Seq }
  | { readonly kind: "rejected"; readonly rejection: Rejection };

/** A version that did not stay, kept so that it can be looked at and restored. */
export type Evidence = {
  /** `superseded`: a change that lost. `overwritten`: a stored version replaced by a change that did not know it. */
  readonly reason: "superseded" | "overwritten";
  readonly collection: CollectionName;
  readonly key: string;
  readonly stamp: Stamp;
  readonly value: string | null;
  readonly author: Author | null;
};

/** A change that was refused for good, as the server keeps it. */
export type RefusedEvidence = {
  readonly rejection: Rejection;
  /** The change as JSON text; null where it is too large to keep. */
  readonly body: string | null;
  /** Where the text is too large to keep, its SHA-256 in hexadecimal: tells two such changes apart. */
  readonly bodyHash?: string;
};
