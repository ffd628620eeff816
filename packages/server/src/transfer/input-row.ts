import type { JsonObject } from "@synchro/core";
import type { JsonViolation } from "@synchro/protocol";

/** Why a row was not taken: a rejection's code and sentence, or what kept it from being read at all. */
export type RowFault = {
  readonly code: string;
  readonly message: string;
  /** An RFC 6901 pointer within the change; empty for the row itself. */
  readonly path: string;
};

/** A row of the input: a change that has not been judged, or why there is none. */
export type InputRow =
  | {
      readonly kind: "change";
      /** From 1; for a table of a database the row's number. */
      readonly line: number;
      readonly change: JsonObject;
      /** The first data rule that it breaks, by its path in `{"changes":[change]}`. */
      readonly violation: JsonViolation | undefined;
    }
  | { readonly kind: "fault"; readonly line: number; readonly fault: RowFault };

/** What a row that does not say so itself is about. */
export type RowDefaults = { readonly collection: string; readonly updatedAt: string };
