import { decodeCursor, isSameValue, recordId, type Stamp } from "@synchro/core";
import { type ClientState, heldId, type OutboxEntry } from "../client/client-state.ts";
import type { Device } from "../device.ts";
import { fateless, isSameButForVersion, spaceOf } from "./device-oracle.ts";
import { covers } from "./fields-model.ts";
import type { ServerOracle } from "./server-oracle.ts";
import type { ModelRecord, SpaceModel } from "./space-model.ts";

/** What a restore took from the server while some device still had it. */
export type Owed = {
  readonly space: string;
  readonly record: ModelRecord;
  /** The devices that had it then. */
  readonly holders: readonly string[];
};

type OtherVersion = {
  readonly collection: string;
  readonly key: string;
  readonly stamp: Stamp | null;
  readonly value: string | null;
};

/** Where fields merge, several versions may have one stamp. */
const isVersion = (other: OtherVersion, record: ModelRecord): boolean =>
  other.collection === record.collection &&
  other.key === record.key &&
  other.stamp === record.stamp &&
  (record.content === null || isSameValue(other.value, record.value));

/** Whether a version is this one, or knows more. */
const isThere = (now: ModelRecord | undefined, record: ModelRecord): boolean => {
  if (now === undefined) return false;
  return record.content === null || now.content === null
    ? now.stamp >= record.stamp
    : covers(now.content, record.content);
};

export const holds = (state: ClientState, record: ModelRecord): boolean => {
  const held = state.held.get(heldId(record.collection, record.key));
  return (
    (held !== undefined && isVersion(held, record)) ||
    state.outbox.some((entry) => isVersion(entry, record))
  );
};

/** The versions that `now` lacks of `before`, and that a device could still bring back. */
export const owedAfterRestore = (
  before: ReadonlyMap<string, SpaceModel>,
  now: ReadonlyMap<string, SpaceModel>,
  devices: readonly Device[],
): readonly Owed[] =>
  [...before].flatMap(([space, model]) =>
    [...model.records].flatMap(([id, record]) => {
      const restored = now.get(space)?.records.get(id);
      if (isThere(restored, record)) return [];
      const holders = devices.filter((device) => {
        const state = device.state();
        return state.space === space && holds(state, record);
      });
      return holders.length === 0
        ? []
        : [{ space, record, holders: holders.map(({ name }) => name) }];
    }),
  );

/** A version that is this one, or had beaten it. */
const isAtLeast = ({ collection, key, stamp }: OutboxEntry, record: ModelRecord): boolean =>
  collection === record.collection && key === record.key && stamp !== null && stamp >= record.stamp;

/** What a device holds, or held before its data went away. */
type Holding = { readonly device: string; readonly state: ClientState };

const holdingsOf = (devices: readonly Device[]): readonly Holding[] =>
  devices.flatMap((device) =>
    [device.state(), ...device.wipedStates()].map((state) => ({ device: device.name, state })),
  );

/** Why a version that a restore took need not be there now; null: it was lost. */
const excuse = (
  server: ServerOracle,
  { space, record, holders }: Owed,
  holdings: readonly Holding[],
): string | null => {
  const id = recordId(record.collection as never, record.key);
  const model = server.model(space as never);
  const now = model?.records.get(id);
  if (isThere(now, record)) return "is there or was beaten";
  const purged = server.purgedStamp(space as never, id);
  if (purged !== null && purged >= record.stamp) return "was deleted, and the delete purged";
  const isPastCutoff = model?.cutoff != null && record.stamp <= model.cutoff;
  if (record.value === null && now === undefined && isPastCutoff) return "is a delete of nothing";
  // The server's clock went back, and what had been taken was too far ahead when it was sent again:
  // this version itself, an offer of what beat it, or an edit that its holder made over it.
  const isRestamped = holdings.some(({ device, state }) =>
    state.settled.some(({ entry }) => {
      const before = { ...entry, stamp: entry.restampedFrom };
      const isOver = entry.kind === "offer" || holders.includes(device);
      return isVersion(before, record) || (isOver && isAtLeast(before, record));
    }),
  );
  if (isRestamped) return "came back with a stamp that the server's clock allowed";
  const isRefused = holdings.some(({ state }) =>
    state.settled.some(
      ({ entry, fate }) =>
        (fate.kind === "rejected" ||
          fate.kind === "stale_offer" ||
          // A delete of what a purge had taken: nobody keeps it, and a second restore does not undo that.
          (fate.kind === "applied" && fate.seq === 0)) &&
        isAtLeast(entry, record),
    ),
  );
  return isRefused ? "was refused, or what beat it was, and is kept as such" : null;
};

/**
 * What of `owed` has not been made good. Asked at the next restore too: what was made good by then is
 * that one's to lose, and owed anew only if somebody holds it.
 */
export const stillOwed = (
  server: ServerOracle,
  devices: readonly Device[],
  owed: readonly Owed[],
): readonly Owed[] =>
  owed.filter((one) => {
    const ofSpace = holdingsOf(devices).filter(({ state }) => state.space === one.space);
    return excuse(server, one, ofSpace) === null;
  });

const differences = (server: ServerOracle, device: Device): readonly string[] => {
  const state = device.state();
  const model = server.model(spaceOf(state));
  const declared = server.declared();
  const isWanted = (collection: string): boolean =>
    declared.has(collection) && (state.collections?.includes(collection) ?? true);
  const wanted = new Map(
    [...(model?.records ?? [])].filter(
      ([, { collection, value }]) => value !== null && isWanted(collection),
    ),
  );
  const found: string[] = [];
  for (const [id, record] of wanted) {
    const held = state.held.get(id);
    const isSame =
      held?.seq === record.seq && held.stamp === record.stamp && isSameButForVersion(held, record);
    if (!isSame)
      found.push(`${id}: server ${JSON.stringify(record)}, device ${JSON.stringify(held)}`);
  }
  for (const [id, held] of state.held) {
    if (held.value !== null && isWanted(held.collection) && !wanted.has(id))
      found.push(`${id}: only on the device`);
  }
  return found;
};

/** What keeps a device from rest; empty if it is there. Invariant 3. */
export const restlessness = (server: ServerOracle, device: Device): readonly string[] => {
  const state = device.state();
  const head = server.model(spaceOf(state))?.head ?? 0;
  const position = state.cursor === null ? null : decodeCursor(state.cursor);
  const seq = position === "invalid" || position === null ? 0 : position.seq;
  return [
    ...(device.clients().length === 0 ? ["it does not run"] : []),
    ...(state.outbox.length > 0 ? [`${state.outbox.length} changes wait`] : []),
    ...(state.run === null || state.cursor === null ? [] : [`it is in a run: ${state.run}`]),
    ...(state.isSuspect ? ["its digest differed"] : []),
    ...(head === 0 || state.comparedAt === state.cursor ? [] : ["it has compared no digest there"]),
    ...(seq === head ? [] : [`its cursor is at ${seq}, the head at ${head}`]),
    ...differences(server, device),
  ].map((reason) => `${device.name}: ${reason}`);
};

/** What is wrong when all are at rest: acknowledged versions that nobody brought back, edits without a fate. Invariant 1. */
export const losses = (
  server: ServerOracle,
  devices: readonly Device[],
  owed: readonly Owed[],
): readonly string[] => {
  const lost = stillOwed(server, devices, owed).map(
    ({ space, record, holders }) =>
      `[RESET-2] ${space}: lost by a restore, though ${holders.join()} had it: ${JSON.stringify(record)}`,
  );
  const vanished = devices.flatMap((device) => fateless(device.name, device.state()));
  const forgotten = devices.flatMap(({ name, state }) => {
    const { deadLetters, image } = state();
    return deadLetters
      .filter(({ entry }) => image !== null && !image.letters.has(entry.id))
      .map(({ entry }) => `[CLIENT-5] ${name}: the dead letter of edit ${entry.id} is gone`);
  });
  return [...lost, ...vanished, ...forgotten];
};
