import type { Ack, Cursor, Seq, SpaceId, Stamp } from "@synchro/core";
import type { Generation } from "./held-record.ts";
import type { EntryId } from "./outbox-entry.ts";

/** What the live records held of one collection come to, kept along with them. */
export type HeldDigest = {
  readonly count: number;
  /** 16 lower-case hexadecimal digits, as on the wire. */
  readonly sum: string;
  /** The greatest seq held under the present generation, tombstones included: CLIENT-24 compares it with `at`. */
  readonly seqMax: Seq;
};

/** What a store knows beside records and changes. Each member is kept by itself. */
export type StoreMeta = {
  /** Born with the store, dies with it. */
  readonly clientId: string;
  /** The space that the records are of; null until the first sync has bound the store to one. */
  readonly space: SpaceId | null;
  readonly cursor: Cursor | null;
  /** The last ack received; sent with every pull. A reset forgets it. */
  readonly ack: Ack | null;
  readonly generation: Generation;
  /** The run from the beginning that has not ended yet, if there is one; `offer`: one that asks for all tombstones. */
  readonly run: "plain" | "offer" | null;
  /** The changes that were sent and not answered, in the order in which they were sent. Nothing else is sent before they are answered. */
  readonly batch: readonly EntryId[];
  readonly nextEntryId: EntryId;
  /** What is to be added to the device's clock; null before it was measured. */
  readonly clockOffsetMs: number | null;
  /** By name of collection; those of absent ones are unknown. */
  readonly digests: { readonly [collection: string]: HeldDigest };
  /** After a second mismatch: when a run from the beginning may be tried again, by the device's clock (CLIENT-25). */
  readonly divergedUntil: Stamp | null;
  readonly lastSyncedAt: Stamp | null;
  /** Offers that were refused as stale, or dropped for want of the right to write: counted, not kept (CLIENT-23). */
  readonly offersDropped: number;
  /** The version of each collection's declaration that the local values follow. */
  readonly schemaVersions: { readonly [collection: string]: number };
};

/** The meta of a store that was just born. */
export const newStoreMeta = (clientId: string): StoreMeta => ({
  clientId,
  space: null,
  cursor: null,
  ack: null,
  generation: 0,
  run: null,
  batch: [],
  nextEntryId: 1,
  clockOffsetMs: null,
  digests: {},
  divergedUntil: null,
  lastSyncedAt: null,
  offersDropped: 0,
  schemaVersions: {},
});

/** The version that a collection's local values follow; the first, if none was ever noted. */
export const schemaVersionOf = (
  { schemaVersions }: Pick<StoreMeta, "schemaVersions">,
  collection: string,
): number =>
  // A collection may be called as what every object inherits.
  Object.hasOwn(schemaVersions, collection) ? (schemaVersions[collection] ?? 1) : 1;

const blank = newStoreMeta("");

/** The members named, of what an engine has kept; one that an older program did not know is as in a new store. */
export const pickMeta = <Name extends keyof StoreMeta>(
  names: readonly Name[],
  kept: (name: Name) => unknown,
): { readonly [Member in Name]: StoreMeta[Member] } =>
  Object.fromEntries(names.map((name) => [name, kept(name) ?? blank[name]])) as {
    readonly [Member in Name]: StoreMeta[Member];
  };
