import {
  addMicros,
  decodeCursor,
  headSeen,
  isSameValue,
  isSpaceId,
  laterStamp,
  type SpaceId,
} from "@synchro/core";
import { type ClientState, heldId, type Settled } from "../client/client-state.ts";
import { PARTS } from "../client/parts.ts";
import type { Edit } from "../client/outbox.ts";
import { withoutVersion } from "../client/schema-version.ts";
import type { DeviceObserver } from "../device.ts";
import type { World } from "../world/world.ts";
import type { ServerOracle } from "./server-oracle.ts";
import { isValidIn, type ModelRecord } from "./space-model.ts";

/** Holds every transaction of every device against what the server holds. */
export type DeviceOracle = DeviceObserver & {
  /** This edit is hostile: one of `codes` is the only thing that may become of it. */
  readonly expectRejection: (edit: Edit, codes: readonly string[]) => void;
  /** The program says of this edit that it is safe on the device. */
  readonly madeDurable: (device: string, state: ClientState, edit: Edit) => void;
  /** The server's disk was put back: what devices hold may now be ahead of it. */
  readonly restored: () => void;
};

export const spaceOf = (state: ClientState): SpaceId => {
  if (!isSpaceId(state.space)) throw new Error(`no space: ${state.space}`);
  return state.space;
};

/** Whether the transaction applied a page of an offer run, perhaps its last. */
const isOfOfferRun = (before: ClientState, after: ClientState): boolean =>
  before.cursor !== after.cursor &&
  (after.run === "offer" ||
    (before.run === "offer" && before.generation === after.generation && !after.isSuspect));

/** A device brings its own copy up to its program's declaration: the rest must be the server's. */
export const isSameButForVersion = (
  held: { readonly collection: string; readonly value: string | null },
  record: ModelRecord,
): boolean =>
  isSameValue(
    withoutVersion(held.collection, held.value),
    withoutVersion(record.collection, record.value),
  );

/** What a record of the server that a cursor has passed must look like on the device; null: as it must. */
const unseen = (state: ClientState, record: ModelRecord, isOfferRun: boolean): string | null => {
  const held = state.held.get(heldId(record.collection, record.key));
  const isCurrent = held !== undefined && held.mark === state.generation;
  // Confirmed in a life of the server that a restore has ended: the ack will bring a reset.
  if (isCurrent && held.seq < record.seq && held.stamp > record.stamp) return null;
  if (record.value === null) {
    // Who holds nothing of a record need not hear of its delete, but for an offer run (RESET-7).
    if (isOfferRun && !isCurrent) return "was not sent the tombstone";
    return isCurrent && held.value !== null && held.seq < record.seq
      ? `still holds ${held.seq}`
      : null;
  }
  if (!isCurrent) return held === undefined ? "does not hold it" : "holds it under an older mark";
  if (held.seq < record.seq) return `holds ${held.seq}`;
  const isSame = held.stamp === record.stamp && isSameButForVersion(held, record);
  return held.seq === record.seq && !isSame ? `holds ${held.stamp} ${held.value} there` : null;
};

/** Invariant 2: a cursor never passes a change that its holder has not seen. */
const checkCursor = (
  world: World,
  server: ServerOracle,
  device: string,
  before: ClientState,
  state: ClientState,
): void => {
  if (state.cursor === null) return;
  const position = decodeCursor(state.cursor);
  if (position === "invalid" || position === null) {
    return world.fail(`[PULL-7] ${device} has the cursor ${state.cursor}`);
  }
  if (state.run === null && position.start !== null) {
    world.fail(`[CLIENT-18] ${device} ended a run at ${state.cursor}, with more to come`);
  }
  const model = server.model(spaceOf(state));
  // Between two pages a cursor is judged by the snapshot that was read (EPOCH-3), not by its seq.
  const seen = { epoch: position.epoch, seq: headSeen(position) };
  if (model === undefined || !isValidIn(model, seen)) return;
  const declared = server.declared();
  const isOfferRun = isOfOfferRun(before, state);
  for (const record of model.records.values()) {
    if (record.seq > position.seq || !declared.has(record.collection)) continue;
    if (
      position.collections !== null &&
      !position.collections.includes(record.collection as never)
    ) {
      continue;
    }
    const difference = unseen(state, record, isOfferRun);
    if (difference === null) continue;
    world.fail(
      `[PULL-1] ${device} at ${state.cursor} has passed ${record.collection} ${record.key} ${record.seq}: ${difference}`,
    );
  }
};

const mayBeRefused: { readonly [code: string]: true } = {
  // A purge took what it would have replaced, or the collection is not there (yet, or for this client).
  stale: true,
  unknown_collection: true,
  not_subscribed: true,
  // The server lost what a patch was made over, and the device does not hold it either.
  incomplete: true,
};

const checkFate = (
  world: World,
  server: ServerOracle,
  device: string,
  state: ClientState,
  { entry, fate }: Settled,
  codes: readonly string[] | undefined,
): void => {
  const { collection, key, value, stamp } = entry;
  const name = `${device} ${entry.kind} ${entry.id} ${collection} ${key}`;
  world.trace.add(`${name} ${JSON.stringify(fate)}`);
  world.counters.count(`${entry.kind}_${fate.kind}`);
  if (entry.restampedFrom !== null) world.counters.count(`${entry.kind}_restamped`);
  if (fate.kind === "rejected") world.counters.count(`${entry.kind}_rejected_${fate.code}`);
  if (codes !== undefined && fate.kind !== "replaced") {
    if (fate.kind === "rejected" && codes.includes(fate.code)) return;
    return world.fail(`[CLIENT-5] ${name} is hostile and became ${JSON.stringify(fate)}`);
  }
  if (fate.kind === "applied" && fate.seq === 0 && value !== null) {
    return world.fail(`[CLIENT-9] ${name} was not stored, and counts as applied`);
  }
  if (fate.kind === "applied" && fate.seq > 0) {
    // A patch is a part of what was stored.
    const whole = collection === PARTS ? { stamp: null, value: null } : { stamp, value };
    const version = { collection, key, seq: fate.seq, ...whole };
    if (!server.wasCommitted(state.space, version)) {
      world.fail(`[PUSH-2] ${name}: seq ${fate.seq} was never this change`);
    }
  }
  if (fate.kind === "superseded") {
    const version = { collection, key, seq: fate.seq, stamp: null, value: null };
    if (!server.wasCommitted(state.space, version)) {
      world.fail(`[PUSH-3] ${name}: nothing was ever at ${fate.seq}`);
    }
  }
  if (fate.kind === "rejected" && mayBeRefused[fate.code] !== true && entry.kind === "edit") {
    world.fail(`[PUSH-5] ${name} is good and was rejected: ${fate.code}`);
  }
};

/** Nothing leaves the outbox without a fate, and no version gives way to an older one. */
const checkTransaction = (
  world: World,
  device: string,
  before: ClientState,
  after: ClientState,
): void => {
  const fates = new Set(after.settled.map(({ entry }) => entry.id));
  const waiting = new Set(after.outbox.map(({ id }) => id));
  for (const { id } of before.outbox) {
    if (!waiting.has(id) && !fates.has(id)) world.fail(`[CLIENT-5] ${device} entry ${id} vanished`);
  }
  if (before.generation !== after.generation || before.held === after.held) return;
  for (const [id, held] of before.held) {
    const now = after.held.get(id);
    if (held.mark !== before.generation) continue;
    // The greater stamp at a lower seq is of another life of the server.
    if (now !== undefined && now.stamp > held.stamp) continue;
    if (now === undefined || now.seq < held.seq)
      world.fail(`[CLIENT-13] ${device} went back at ${id}`);
  }
};

/** What was refused stays with its reason until its user has dealt with it, and nobody does here (CLIENT-5). */
const checkLetters = (
  world: World,
  device: string,
  { deadLetters, image }: ClientState,
  since: number,
): void => {
  if (image === null) return;
  for (const { entry } of deadLetters.slice(since)) {
    if (!image.letters.has(entry.id)) {
      world.fail(`[CLIENT-5] ${device} entry ${entry.id} was refused, and is in no dead letter`);
    }
  }
};

/** A stamp is set once, by the device's corrected clock or just past what the edit replaced, and stays (CLIENT-27, CLIENT-28). */
const checkStamps = (
  world: World,
  device: string,
  before: ClientState,
  after: ClientState,
): void => {
  const { image } = before;
  if (image === null || before.outbox === after.outbox) return;
  for (const { id, stamp, restampedFrom } of after.outbox) {
    const waited = image.entries.get(id);
    if (waited === undefined || waited.stamp === stamp || stamp === null) continue;
    if (waited.stamp !== null) {
      if (restampedFrom === null) {
        world.fail(`[CLIENT-27] ${device} entry ${id} had ${waited.stamp} and has ${stamp}`);
      }
      continue;
    }
    const offsetMicros = Math.round((before.clockOffsetMs ?? 0) * 1_000);
    const corrected = addMicros(waited.editedAt, offsetMicros);
    const replaced = waited.replaced.stamp;
    const expected = replaced === null ? corrected : laterStamp(corrected, addMicros(replaced, 1));
    if (stamp !== expected) {
      world.fail(`[CLIENT-27] ${device} entry ${id} was given ${stamp}, not ${expected}`);
    }
  }
};

/**
 * A power cut takes pages, which are read again. It takes no edit, no stamp that may have been sent,
 * and no fate: what was settled would be sent a second time.
 */
const checkPowerCut = (
  world: World,
  device: string,
  before: ClientState,
  after: ClientState,
): void => {
  const kept = new Map(after.outbox.map((entry) => [entry.id, entry]));
  for (const { id, kind, value, stamp } of before.outbox) {
    if (kind === "offer") continue;
    const now = kept.get(id);
    if (now === undefined || now.value !== value) {
      world.fail(`[CLIENT-5] ${device} entry ${id} was lost with the power`);
    } else if (stamp !== null && now.stamp !== stamp) {
      world.fail(`[CLIENT-27] ${device} entry ${id} lost its stamp ${stamp} with the power`);
    }
  }
  const waited = new Set(before.outbox.map(({ id }) => id));
  for (const { id, kind } of after.outbox) {
    if (kind === "edit" && !waited.has(id)) {
      world.fail(`[CLIENT-3] ${device} entry ${id} had its answer, and waits again`);
    }
  }
};

/** Edits of a device whose data go away: those without a fate are lost, and known to be. */
export const fateless = (
  device: string,
  { settled, nextId }: ClientState,
  waiting = new Set<number>(),
): readonly string[] => {
  const fates = new Set(settled.map(({ entry }) => entry.id));
  return Array.from({ length: nextId - 1 }, (_, index) => index + 1)
    .filter((id) => !fates.has(id) && !waiting.has(id))
    .map((id) => `[CLIENT-5] ${device}: edit ${id} has no fate`);
};

/** Known by its content: a device may be killed before anybody has heard its number. */
const editText = ({ collection, key, value }: Edit): string => `${collection} ${key} ${value}`;

export const createDeviceOracle = (world: World, server: ServerOracle): DeviceOracle => {
  const hostile = new Map<string, readonly string[]>();
  const suspectSince = new Map<string, number>();
  let restores = 0;
  const checkDigests = (device: string, before: ClientState, after: ClientState): void => {
    if (!before.isSuspect && after.isSuspect) {
      world.counters.count("digest_differed");
      suspectSince.set(device, restores);
      if (restores === 0) world.fail(`[DIGEST-1] ${device} differs from the server's digest`);
    }
    if (after.divergences > before.divergences && suspectSince.get(device) === restores) {
      world.fail(`[CLIENT-25] ${device} differs after a run from the beginning`);
    }
  };
  return {
    expectRejection: (edit, codes) => {
      hostile.set(editText(edit), codes);
    },
    madeDurable: (device, state, edit) => {
      const text = editText(edit);
      const isThere =
        state.outbox.some((entry) => editText(entry) === text) ||
        state.settled.some(({ entry }) => editText(entry) === text);
      if (!isThere) world.fail(`[CLIENT-5] ${device} says that it keeps ${text}, and does not`);
    },
    restored: () => {
      restores += 1;
    },
    powerCut: (device, before, after) => {
      if (before === after) return;
      checkPowerCut(world, device, before, after);
      world.trace.add(`${device} lost power: generation ${after.generation} at ${after.cursor}`);
    },
    wiped: (device, before) => {
      const waiting = new Set(before.outbox.map(({ id }) => id));
      for (const reason of fateless(device, before, waiting)) world.fail(reason);
      const edits = before.outbox.filter(({ kind }) => kind === "edit").length;
      world.counters.count("edit_lost_with_storage", edits);
      world.trace.add(`${device} lost its data, and ${edits} edits with them`);
      suspectSince.delete(device);
    },
    saved: (device, before, after) => {
      if (before.settled !== after.settled) {
        for (const settled of after.settled.slice(before.settled.length)) {
          const codes = hostile.get(editText(settled.entry));
          checkFate(world, server, device, after, settled, codes);
        }
      }
      checkTransaction(world, device, before, after);
      checkStamps(world, device, before, after);
      checkLetters(world, device, after, before.deadLetters.length);
      if (before.cursor !== after.cursor || before.held !== after.held) {
        checkCursor(world, server, device, before, after);
      }
      checkDigests(device, before, after);
      if (before.generation !== after.generation || before.cursor !== after.cursor) {
        const { generation, run, cursor, ack } = after;
        world.trace.add(`${device} generation ${generation} run ${run} at ${cursor} ack ${ack}`);
      }
    },
  };
};
