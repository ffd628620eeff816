import type { JsonObject } from "@synchro/core";
import { changedFields } from "../store/field-state.ts";
import type { StoreTransaction } from "../store/client-store.ts";
import { ClientStoreError } from "../store/client-store-error.ts";
import type { DeadLetter, EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { schemaVersionOf, type StoreMeta } from "../store/store-meta.ts";
import type { Collection, Upgrade } from "./collection.ts";
import { dataFault, textFault } from "./data-rules.ts";

/** Records and entries that are read and written at a time. */
const CHUNK = 1_000;

type Step = { readonly declared: Collection; readonly upgrade: Upgrade; readonly from: number };

const upgradeText = ({ declared, upgrade, from }: Step, key: string, text: string): string => {
  const value = upgrade(JSON.parse(text) as JsonObject, from);
  const upgraded = JSON.stringify(value);
  const fault = dataFault(value) ?? textFault(upgraded);
  if (fault === null) return upgraded;
  throw new TypeError(`the upgrade of ${declared.name} ${JSON.stringify(key)}: ${fault.message}`);
};

const upgradeRecords = async (transaction: StoreTransaction, step: Step): Promise<void> => {
  let after: string | null = null;
  for (;;) {
    const records = await transaction.scanRecords(step.declared.name, { after, limit: CHUNK });
    await transaction.putRecords(
      records.flatMap((record) =>
        record.value === null
          ? []
          : [{ ...record, value: upgradeText(step, record.key, record.value) }],
      ),
    );
    if (records.length < CHUNK) return;
    after = records.at(-1)?.key ?? null;
  }
};

/** An entry of today, or null if it is one. */
const upgradeEntry = (
  declaredByName: ReadonlyMap<string, Collection>,
  entry: OutboxEntry,
): OutboxEntry | null => {
  const { collection, key, value, schemaVersion: from } = entry;
  const declared = declaredByName.get(collection);
  const upgrade = declared?.upgrade ?? null;
  if (declared === undefined || upgrade === null || from >= declared.version) return null;
  const upgraded = value === null ? null : upgradeText({ declared, upgrade, from }, key, value);
  const now = { ...entry, value: upgraded, schemaVersion: declared.version };
  const { patch } = entry;
  if (patch === undefined || patch.fields === null) return now;
  // What the upgrade has touched is part of the edit: a field under a new name, and the old one gone.
  const fields = [...new Set([...patch.fields, ...changedFields(value, upgraded)])];
  return { ...now, patch: { ...patch, fields } };
};

/** What was sent once stays as it is, to the byte: it may have been applied already. */
const upgradeOutbox = async (
  transaction: StoreTransaction,
  declaredByName: ReadonlyMap<string, Collection>,
): Promise<void> => {
  let last: EntryId = 0;
  for (;;) {
    const entries = await transaction.scanOutbox(last, CHUNK);
    await transaction.putEntries(
      entries
        .filter(({ stamp }) => stamp === null)
        .flatMap((entry) => upgradeEntry(declaredByName, entry) ?? []),
    );
    if (entries.length < CHUNK) return;
    last = entries.at(-1)?.id ?? last;
  }
};

const upgradeLetters = async (
  transaction: StoreTransaction,
  declaredByName: ReadonlyMap<string, Collection>,
): Promise<void> => {
  let last: EntryId = 0;
  for (;;) {
    const letters: readonly DeadLetter[] = await transaction.scanDeadLetters(last, CHUNK);
    await transaction.putDeadLetters(
      letters.flatMap((letter) => {
        const entry = upgradeEntry(declaredByName, letter.entry);
        return entry === null ? [] : [{ ...letter, entry }];
      }),
    );
    if (letters.length < CHUNK) return;
    last = letters.at(-1)?.entry.id ?? last;
  }
};

const planSteps = (
  collections: readonly Collection[],
  meta: Pick<StoreMeta, "schemaVersions">,
): readonly Step[] =>
  collections.flatMap((declared): readonly Step[] => {
    const { name, version, upgrade } = declared;
    const from = schemaVersionOf(meta, name);
    if (from > version) {
      throw new ClientStoreError(
        "newer_schema",
        `the local ${name} are of version ${from}, and this program declares ${version}: update it`,
      );
    }
    return from === version || upgrade === null ? [] : [{ declared, upgrade, from }];
  });

/**
 * Brings everything local up to the declarations of this program, as one transaction, before anything
 * else is done with a store: records, changes that were never sent, and dead letters. If an upgrade
 * throws, nothing has changed.
 *
 * @throws ClientStoreError `newer_schema` if a newer program has upgraded them.
 */
export const upgradeValues = async (
  transaction: StoreTransaction,
  collections: readonly Collection[],
): Promise<void> => {
  const meta = await transaction.getMeta(["schemaVersions"]);
  const steps = planSteps(collections, meta);
  for (const step of steps) await upgradeRecords(transaction, step);
  // Also where the records are of today: what was sent under an older declaration may come back refused.
  if (collections.some(({ version }) => version > 1)) {
    const declaredByName = new Map<string, Collection>(
      collections.map((each) => [each.name, each]),
    );
    await upgradeOutbox(transaction, declaredByName);
    await upgradeLetters(transaction, declaredByName);
  }
  const declared = Object.fromEntries(collections.map(({ name, version }) => [name, version]));
  await transaction.putMeta({ schemaVersions: { ...meta.schemaVersions, ...declared } });
};
