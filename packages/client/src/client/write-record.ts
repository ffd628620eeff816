import { isJsonObject, type JsonObject, type Stamp } from "@synchro/core";
import type { Collection } from "../collection/collection.ts";
import { overlay } from "../outbox/overlay.ts";
import { changedFields } from "../store/field-state.ts";
import { recordEdits } from "../outbox/record-edits.ts";
import type { StoreTransaction } from "../store/client-store.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";

/** What a put, an update or a delete wants. */
export type Wish = {
  readonly declared: Collection;
  readonly key: string;
  /** The value that the record should hold instead of the one that its user sees, both as JSON text, and null where there is none. What it throws, the edit ends with. */
  readonly edit: (shown: string | null) => string | null;
  readonly author: string | null;
  /** The device's clock, uncorrected. */
  readonly editedAt: Stamp;
};

/** The members of what is there that a put does not drop: those that this program does not declare, for they are a newer one's, perhaps, and those that only grow. */
const lastingMembers = ({ fields, functions }: Collection, shown: string | null): JsonObject => {
  const value: unknown = shown === null ? null : JSON.parse(shown);
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      ([name]) => !Object.hasOwn(fields, name) || Object.hasOwn(functions, name),
    ),
  );
};

/** What was put, with what it does not drop of what was there. */
export const withLastingMembers = (
  declared: Collection,
  put: string,
  shown: string | null,
): string =>
  JSON.stringify({ ...lastingMembers(declared, shown), ...(JSON.parse(put) as JsonObject) });

/** The key is not kept in the value: the record says it anyway. */
const withoutKey = ({ keyField }: Collection, text: string): string => {
  if (keyField === null) return text;
  const entries = Object.entries(JSON.parse(text) as JsonObject);
  return JSON.stringify(Object.fromEntries(entries.filter(([name]) => name !== keyField)));
};

/** Puts an edit into the outbox, in one transaction with the look at what it replaces. Spec: CLIENT-8, CLIENT-27. */
export const writeRecord = async (
  transaction: StoreTransaction,
  { declared, key, edit, author, editedAt }: Wish,
): Promise<OutboxEntry> => {
  const name = { collection: declared.name, key };
  const [record = null] = await transaction.getRecords([name]);
  const [group = []] = await transaction.getEntriesOf([name]);
  const shown = overlay(record, group)?.value ?? null;
  const wanted = edit(shown);
  const value = wanted === null ? null : withoutKey(declared, wanted);
  const fields = declared.merge === "fields" ? { fields: changedFields(shown, value) } : {};
  const [entry] = await recordEdits(transaction, [
    { ...name, value, ...fields, author, editedAt, schemaVersion: declared.version },
  ]);
  if (entry === undefined) throw new Error("an edit made no entry");
  return entry;
};
