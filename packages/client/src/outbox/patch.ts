import {
  formatStamp,
  laterStamp,
  type JsonObject,
  parseStamp,
  type Seq,
  type Stamp,
} from "@synchro/core";
import {
  type FieldStamps,
  type FieldState,
  fieldStateOf,
  membersOf,
} from "../store/field-state.ts";
import type { HeldRecord } from "../store/held-record.ts";
import type { OutboxEntry, Patch } from "../store/outbox-entry.ts";
import type { FrozenEntry } from "./freeze-batch.ts";

/** The life of what an edit replaces; 0: of nothing. */
export const lifeSeen = (held: HeldRecord | null, front: OutboxEntry | null): number => {
  if (front?.patch !== undefined) return front.patch.life;
  return held === null ? 0 : fieldStateOf(held).life;
};

/** What an edit changes of a version with the life `seen`: fields of a live one, or all of one that it makes, or ends. */
export const patchOver = (
  seen: number,
  { value, fields }: { readonly value: string | null; readonly fields: readonly string[] },
): Patch => {
  const isLive = seen % 2 === 1;
  if (value === null) return { life: isLive ? seen + 1 : Math.max(seen, 2), fields: null };
  return isLive ? { life: seen, fields } : { life: seen + 1, fields: null };
};

/** An unsent edit and the next one, as one. */
export const joinPatches = (earlier: Patch, later: Patch): Patch => {
  if (earlier.life !== later.life || later.fields === null) return later;
  const { life, fields } = earlier;
  return { life, fields: fields === null ? null : [...new Set([...fields, ...later.fields])] };
};

/** All that is known of a version, to be merged by a server that may have lost it. */
export const patchOfVersion = (held: HeldRecord): Patch => {
  const { life, stamps } = fieldStateOf(held);
  return { life, fields: Object.keys(stamps), stamps };
};

/** A change whose stamps were too far ahead of the server's clock: none is later than `stamp` now. */
export const patchUpTo = (patch: Patch, stamp: Stamp): Patch => {
  if (patch.stamps === undefined) return patch;
  const stamps = Object.entries(patch.stamps).map(([name, text]) => {
    const own = parseStamp(text);
    return [name, own === null || own > stamp ? formatStamp(stamp) : text];
  });
  return { ...patch, stamps: Object.fromEntries(stamps) as FieldStamps };
};

/** The members of a change that say what it changes: values, `null` for a field that is removed. */
export const patchMembers = ({ value, patch }: OutboxEntry): JsonObject => {
  const members = membersOf(value);
  const fields = patch?.fields ?? null;
  return fields === null
    ? members
    : Object.fromEntries(fields.map((name) => [name, members[name] ?? null]));
};

type PatchedVersion = { readonly value: string | null; readonly fieldState: FieldState };

const stampsOf = (entry: FrozenEntry): FieldStamps => {
  const at = formatStamp(entry.stamp);
  const names = Object.keys(patchMembers(entry));
  return Object.fromEntries(names.map((name) => [name, entry.patch?.stamps?.[name] ?? at]));
};

/** The patch laid over a version; over null it is all there is. */
const patched = (entry: FrozenEntry, life: number, held: HeldRecord | null): PatchedVersion => {
  const members = { ...membersOf(held?.value ?? null), ...patchMembers(entry) };
  const kept = Object.entries(members).filter(([, value]) => value !== null);
  return {
    value: JSON.stringify(Object.fromEntries(kept)),
    fieldState: {
      life,
      stamps: { ...(held === null ? {} : fieldStateOf(held).stamps), ...stampsOf(entry) },
    },
  };
};

/**
 * What an entry has made of a record, once the server says that it was applied whole to the version
 * that its `base` named, or, without one, to nothing at all (FIELDS-20). Null where that version is
 * not held any more: then a newer one is, or is coming.
 */
export const patchedVersion = (
  entry: FrozenEntry,
  patch: Patch,
  { held, base }: { readonly held: HeldRecord | null; readonly base: Seq | null },
): PatchedVersion | null => {
  const { life } = patch;
  if (entry.value === null) return { value: null, fieldState: { life, stamps: {} } };
  if (patch.fields === null || patch.stamps !== undefined) {
    return { value: entry.value, fieldState: { life, stamps: stampsOf(entry) } };
  }
  // Where no base was sent, what is held is of another life of the server, or nothing.
  if (base === null) return patched(entry, life, null);
  if (held === null || held.seq !== base || held.mark !== entry.replaced.mark) return null;
  return patched(entry, life, held);
};

/**
 * An edit of fields for a server that has lost the version which it was made over, and can't tell the
 * whole: that version, as it is held, with the edit in it. Null where it is not held in that life, or
 * the entry says all of a version anyway.
 */
export const completedEntry = (entry: OutboxEntry, held: HeldRecord | null): OutboxEntry | null => {
  const { patch, stamp } = entry;
  if (stamp === null || patch === undefined || patch.fields === null || patch.stamps !== undefined)
    return null;
  if (held === null || held.value === null || fieldStateOf(held).life !== patch.life) return null;
  const { value, fieldState } = patched({ ...entry, stamp }, patch.life, held);
  const { life, stamps } = fieldState;
  const replaced = { ...entry.replaced, seq: 0, mark: 0 };
  const whole = { life, fields: Object.keys(stamps), stamps };
  // A version is of its latest field: what is held may have one that is later than the edit.
  return { ...entry, value, replaced, stamp: laterStamp(stamp, held.stamp), patch: whole };
};
