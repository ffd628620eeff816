import {
  addMicros,
  type ChangeResult,
  laterStamp,
  type Rejection,
  type Seq,
  type Stamp,
} from "@synchro/core";
import type { Generation, HeldRecord } from "../store/held-record.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";
import { completedEntry, patchUpTo } from "./patch.ts";
import { type Departure, departUnstored, releaseWaiting } from "./replaced.ts";

/** What became of one change that was sent. */
export type Settlement = { readonly entry: OutboxEntry } & (
  | { readonly kind: "applied"; readonly as: Departure }
  /** It became part of a version that others had a hand in, which comes with the answer. */
  | { readonly kind: "merged"; readonly as: Departure }
  /** It lost to the record of the seq `by`. */
  | { readonly kind: "superseded"; readonly by: Seq; readonly as: Departure }
  /** Refused for good: it is among the dead letters. */
  | { readonly kind: "refused"; readonly rejection: Rejection; readonly as: Departure }
  /** An offer that the server would not have: gone, and counted. */
  | { readonly kind: "dropped"; readonly as: Departure }
  /** Its stamp was ahead of the server's clock: it is sent again with this one. */
  | { readonly kind: "restamped"; readonly stamp: Stamp }
  /** The server can't tell what it was made over: it is sent again as `whole`. */
  | { readonly kind: "completed"; readonly whole: OutboxEntry }
  /** Not judged yet: it is sent again as it is. */
  | { readonly kind: "unjudged" }
);

export type SettleContext = {
  /** The device's clock as this answer's `now` corrects it (CLIENT-28). */
  readonly correctedNow: Stamp;
  /** The device's clock, uncorrected. */
  readonly settledAt: Stamp;
  /** The present generation; if the answer brought a reset, the one that it began. */
  readonly generation: Generation;
};

const settleRejected = (
  entry: OutboxEntry,
  rejection: Rejection,
  { correctedNow }: SettleContext,
  held: HeldRecord | null,
): Settlement => {
  const whole = rejection.code === "incomplete" ? completedEntry(entry, held) : null;
  if (whole !== null) return { kind: "completed", entry, whole };
  if (rejection.code === "stamp_ahead") {
    const stored = rejection.stored ?? null;
    if (stored === null) return { kind: "restamped", entry, stamp: correctedNow };
    // An offer may not take a new stamp to beat a version that is there.
    if (!entry.isOffer) {
      return { kind: "restamped", entry, stamp: laterStamp(correctedNow, addMicros(stored, 1)) };
    }
  }
  const as = departUnstored(entry);
  if (entry.isOffer && rejection.code === "stale") return { kind: "dropped", entry, as };
  return { kind: "refused", entry, rejection, as };
};

/**
 * What a result means for its entry, pure; undefined: beyond the prefix that was answered. `held` is
 * asked for where the entry has a patch. Spec: CLIENT-4, CLIENT-5, CLIENT-9, CLIENT-23, CLIENT-28.
 */
export const settleEntry = (
  entry: OutboxEntry,
  result: ChangeResult | undefined,
  context: SettleContext,
  held: HeldRecord | null,
): Settlement => {
  if (result === undefined) return { kind: "unjudged", entry };
  const { stamp } = entry;
  switch (result.kind) {
    case "applied":
      return { kind: "applied", entry, as: { stamp, seq: result.seq, mark: context.generation } };
    case "merged":
      // Whoever has edited it meanwhile has not seen what it was merged with.
      return { kind: "merged", entry, as: { stamp, seq: 0, mark: 0 } };
    case "superseded":
      // It was stored under no seq, and whoever made it has not seen the record that beat it.
      return { kind: "superseded", entry, by: result.seq, as: { stamp, seq: 0, mark: 0 } };
    case "rejected":
      return settleRejected(entry, result.rejection, context, held);
  }
};

/** Whether the entry leaves the outbox. */
export const isSettled = ({ kind }: Settlement): boolean =>
  kind !== "unjudged" && kind !== "restamped" && kind !== "completed";

/** The entries of the record to write because of a settlement, its own among them if it stays and changes. */
export const entriesAfter = (
  group: readonly OutboxEntry[],
  settlement: Settlement,
): readonly OutboxEntry[] => {
  const { entry } = settlement;
  if (settlement.kind === "unjudged") return [];
  if (settlement.kind === "completed") return [settlement.whole];
  if (settlement.kind !== "restamped") return releaseWaiting(group, entry, settlement.as);
  const { stamp } = settlement;
  // Who replaced the version that is offered follows its new stamp.
  const followers = group
    .filter(({ replaced }) => replaced.after === entry.id && replaced.stamp === entry.stamp)
    .map((follower) => ({ ...follower, replaced: { ...follower.replaced, stamp } }));
  const { patch } = entry;
  const restamped = patch === undefined ? {} : { patch: patchUpTo(patch, stamp) };
  return [{ ...entry, ...restamped, stamp }, ...(entry.isOffer ? followers : [])];
};
