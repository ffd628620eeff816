import type { Collection, RowOf } from "../collection/collection.ts";
import type { RowQuery } from "../query/row-query.ts";
import type { EntryId } from "../store/outbox-entry.ts";
import type { Synced } from "./pending-writes.ts";

/** An edit on its way: first to this device, then to the server. Neither need be waited for. */
export type Write = {
  /** Resolves once the edit is durable on this device, with the id of its outbox entry. Rejects if it could not be kept: then nothing was written. */
  readonly local: Promise<EntryId>;
  /** Resolves once the server has it, perhaps much later. Rejects with a WriteRefusedError if it was refused for good, or discarded. */
  readonly synced: Promise<Synced>;
};

/** The records of one collection in this space, as they are on this device. */
export interface CollectionHandle<Declared extends Collection> extends RowQuery<
  RowOf<Declared> & object
> {
  /**
   * Puts a record, in place of the one with its key. What the record has and the value leaves out
   * goes, but for members that the declaration does not name, or that a function merges: those stay. `key` where no member is declared as one; absent: a new one.
   *
   * @throws InvalidValueError naming each field and rule; then nothing was written.
   */
  put(value: RowOf<Declared>, options?: { readonly key?: string }): Write;
  /**
   * Sets members of a record and removes those that are given as `undefined`; the others stay as they
   * are at that moment, which is read in the transaction that writes. Better than `put` for a form:
   * with the policy `fields` nothing but these members is sent. `local` rejects with an
   * InvalidValueError if there is no such record, or the whole would break the declaration.
   */
  update(
    key: string,
    changes: { readonly [Name in keyof RowOf<Declared>]?: RowOf<Declared>[Name] | undefined },
  ): Write;
  /** Deletes a record; deleting what is not there is an edit like any other. */
  delete(key: string): Write;
  /** The record as its user sees it: the device's own edit over what the server gave; null: there is none. */
  find(key: string): Promise<RowOf<Declared> | null>;
}
