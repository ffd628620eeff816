import type { Stamp } from "../stamp.ts";

/** Why a change was refused. Every code is final but `stamp_ahead`, which the client restamps and sends again. */
export const rejectionCodes = [
  "bad_change",
  "bad_key",
  "bad_stamp",
  "bad_value",
  "key_mismatch",
  "reserved_member",
  "data_rule",
  "value_too_large",
  "unknown_collection",
  "not_subscribed",
  "schema_mismatch",
  "policy_mismatch",
  "incomplete",
  "stale",
  "stamp_ahead",
] as const;

export type RejectionCode = (typeof rejectionCodes)[number];

export type Rejection = {
  readonly code: RejectionCode;
  /** One sentence that names the field and the rule. */
  readonly message: string;
  /** An RFC 6901 pointer within the change, such as `/value/expiration_date`; empty for the change itself. */
  readonly path: string;
  /** With `stamp_ahead` only: the stored record's stamp, or null if there is none. */
  readonly stored?: Stamp | null;
};
