import { addMicros, formatStamp, type JsonObject, laterStamp, type Stamp } from "@synchro/core";
import {
  type Batch,
  type ClientState,
  type Fate,
  heldId,
  type HeldRecord,
  type OutboxEntry,
  type Replaced,
} from "./client-state.ts";

/** A user's edit as it comes from the app: `value` is JSON text, null deletes. */
export type Edit = {
  readonly collection: string;
  readonly key: string;
  readonly value: string | null;
  /** In a collection that merges field by field: what becomes of the value that its user sees, in place of `value`. */
  readonly change?: (shown: JsonObject | null) => JsonObject;
};

const isSameRecord = (a: Edit, b: Edit): boolean =>
  a.collection === b.collection && a.key === b.key;

const replacedBy = (state: ClientState, edit: Edit, last: OutboxEntry | undefined): Replaced => {
  if (last !== undefined) return { kind: "entry", id: last.id };
  const held = state.held.get(heldId(edit.collection, edit.key));
  if (held === undefined) return null;
  return { kind: "version", seq: held.seq, stamp: held.stamp, mark: held.mark };
};

/** Takes an edit in, noting the version that it replaces; one that was never sent gives way to it (CLIENT-27). */
export const addEdit = (
  state: ClientState,
  edit: Edit,
  editedAt: Stamp,
): { readonly state: ClientState; readonly id: number } => {
  const id = state.nextId;
  const last = state.outbox.findLast((entry) => isSameRecord(entry, edit));
  const added: OutboxEntry = {
    ...edit,
    id,
    kind: "edit",
    author: null,
    editedAt,
    stamp: null,
    restampedFrom: null,
    replaces: replacedBy(state, edit, last),
  };
  const isUnsent = last !== undefined && last.kind === "edit" && last.stamp === null;
  if (!isUnsent)
    return { id, state: { ...state, nextId: id + 1, outbox: [...state.outbox, added] } };
  const fate: Fate = { kind: "replaced" };
  return {
    id,
    state: {
      ...state,
      nextId: id + 1,
      outbox: state.outbox.map((entry) =>
        entry === last ? { ...added, replaces: last.replaces } : entry,
      ),
      settled: [...state.settled, { entry: last, fate }],
    },
  };
};

/** Makes an offer of a version that the server seems to lack, ahead of the user's own entries for that record (CLIENT-22). */
export const addOffer = (state: ClientState, held: HeldRecord): ClientState => {
  const { collection, key, value, author, stamp } = held;
  const isKnown = state.outbox.some(
    (entry) => isSameRecord(entry, held) && entry.stamp === stamp && entry.value === value,
  );
  if (isKnown) return state;
  const offer: OutboxEntry = {
    id: state.nextId,
    kind: "offer",
    collection,
    key,
    value,
    author,
    editedAt: stamp,
    stamp,
    restampedFrom: null,
    replaces: null,
  };
  const place = state.outbox.findIndex(
    (entry) => entry.kind === "edit" && isSameRecord(entry, held),
  );
  const outbox = place === -1 ? [...state.outbox, offer] : state.outbox.toSpliced(place, 0, offer);
  return { ...state, outbox, nextId: state.nextId + 1 };
};

const firstStamp = (state: ClientState, entry: OutboxEntry): Stamp => {
  const corrected = addMicros(entry.editedAt, Math.round((state.clockOffsetMs ?? 0) * 1000));
  const { replaces } = entry;
  if (replaces === null) return corrected;
  // An entry that waits behind another for the same record is sent after that one is settled.
  if (replaces.kind === "entry") throw new Error("the entry replaced has not been settled");
  return laterStamp(corrected, addMicros(replaces.stamp, 1));
};

const baseOf = (state: ClientState, { replaces }: OutboxEntry): number | null =>
  replaces?.kind === "version" && replaces.mark === state.generation && replaces.seq > 0
    ? replaces.seq
    : null;

/** A change as JSON text. Built by hand: a hostile value's text goes in as it is. */
const changeText = (state: ClientState, entry: OutboxEntry): string => {
  if (entry.stamp === null) throw new Error("an entry without a stamp can't be sent");
  const members = [
    `"collection":${JSON.stringify(entry.collection)}`,
    `"key":${JSON.stringify(entry.key)}`,
    `"updated_at":${JSON.stringify(formatStamp(entry.stamp))}`,
    `"base":${baseOf(state, entry)}`,
    ...(entry.author === null ? [] : [`"author":${JSON.stringify(entry.author)}`]),
    entry.value === null ? '"deleted":true' : `"value":${entry.value}`,
  ];
  return `{${members.join(",")}}`;
};

const nextEntries = (state: ClientState): readonly OutboxEntry[] => {
  const chosen = new Map<string, OutboxEntry>();
  for (const entry of state.outbox) {
    const id = heldId(entry.collection, entry.key);
    if (!chosen.has(id) && chosen.size < state.batchMax) chosen.set(id, entry);
  }
  return [...chosen.values()];
};

export type BatchOptions = { readonly pulls: boolean; readonly limit: number };

/** The text of a request in which the client says where it stands. */
export const syncBody = (
  state: ClientState,
  changes: readonly string[],
  { pulls, limit }: BatchOptions,
): string => {
  const place = {
    client_id: state.clientId,
    cursor: state.cursor,
    ...(state.ack === null ? {} : { ack: state.ack }),
    ...(state.collections === null ? {} : { collections: state.collections }),
    ...(pulls ? { limit } : { pull: false }),
    ...(state.run === "offer" ? { tombstones: true } : {}),
  };
  return `${JSON.stringify(place).slice(0, -1)},"changes":[${changes.join(",")}]}`;
};

/**
 * Freezes the next push: stamps that have never been sent are set now and kept, and so are the
 * bytes, until they are answered. A batch of an older generation is built anew of the same entries:
 * its bases name versions of the older marks.
 */
export const freezeBatch = (state: ClientState, options: BatchOptions): ClientState => {
  if (state.batch !== null && state.batch.generation === state.generation) return state;
  const before = state.batch?.entryIds;
  const chosen =
    before === undefined
      ? nextEntries(state)
      : state.outbox.filter((entry) => before.includes(entry.id));
  const stamped = chosen.map((entry) => ({
    ...entry,
    stamp: entry.stamp ?? firstStamp(state, entry),
  }));
  const byId = new Map(stamped.map((entry) => [entry.id, entry]));
  const batch: Batch = {
    body: syncBody(
      state,
      stamped.map((entry) => changeText(state, entry)),
      options,
    ),
    entryIds: stamped.map((entry) => entry.id),
    generation: state.generation,
    beginsRun: options.pulls && state.cursor === null,
  };
  return { ...state, batch, outbox: state.outbox.map((entry) => byId.get(entry.id) ?? entry) };
};

/** Takes an entry out of the outbox for good. Entries that replaced it replace `version` from now on. */
export const settle = (
  state: ClientState,
  entry: OutboxEntry,
  fate: Fate,
  version: Replaced,
): ClientState => ({
  ...state,
  outbox: state.outbox
    .filter((other) => other.id !== entry.id)
    .map((other) =>
      other.replaces?.kind === "entry" && other.replaces.id === entry.id
        ? { ...other, replaces: version }
        : other,
    ),
  settled: [...state.settled, { entry, fate }],
  deadLetters:
    fate.kind === "rejected" ? [...state.deadLetters, { entry, fate }] : state.deadLetters,
});
