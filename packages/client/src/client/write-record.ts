import { isJsonObject, type JsonObject, type Stamp } from "@synchro/core";
import type { Collection } from "../collection/collection.ts";
import { overlay } from "../outbox/overlay.ts";
import { recordEdits } from "../outbox/record-edits.ts";
import type { StoreTransaction } from "../store/client-store.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";

/** What a put or a delete wants, once its value has been checked. */
export type Wish = {
  readonly declared: Collection;
  readonly key: string;
  /** As JSON text; null deletes. */
  readonly value: string | null;
  readonly author: string | null;
  /** The device's clock, uncorrected. */
  readonly editedAt: Stamp;
};

/** The members of what is there that this program does not declare: a newer one's, perhaps, and not this one's to drop. */
const unknownMembers = (declared: Collection, text: string | null): JsonObject => {
  const value: unknown = text === null ? null : JSON.parse(text);
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(([name]) => !Object.hasOwn(declared.fields, name)),
  );
};

/** The value to keep: what was put, with the undeclared members of what was there, and without the key, which the record says anyway. */
const valueToKeep = (declared: Collection, put: string, shown: string | null): string => {
  const value = { ...unknownMembers(declared, shown), ...(JSON.parse(put) as JsonObject) };
  const { keyField } = declared;
  if (keyField === null) return JSON.stringify(value);
  return JSON.stringify(
    Object.fromEntries(Object.entries(value).filter(([name]) => name !== keyField)),
  );
};

/**
 * Puts an edit into the outbox, in one transaction with the look at what it replaces. Members that the
 * declaration does not know stay as they are, unless the value says otherwise. Spec: CLIENT-8, CLIENT-27.
 */
export const writeRecord = async (
  transaction: StoreTransaction,
  { declared, key, value, author, editedAt }: Wish,
): Promise<OutboxEntry> => {
  const name = { collection: declared.name, key };
  const [record = null] = await transaction.getRecords([name]);
  const [group = []] = await transaction.getEntriesOf([name]);
  const shown = overlay(record, group)?.value ?? null;
  const kept = value === null ? null : valueToKeep(declared, value, shown);
  const edit = { ...name, value: kept, author, editedAt, schemaVersion: declared.version };
  const [entry] = await recordEdits(transaction, [edit]);
  if (entry === undefined) throw new Error("an edit made no entry");
  return entry;
};
