import {
  addMicros,
  type ChangeResult,
  laterStamp,
  type Rejection,
  type Seq,
  type Stamp,
} from "@synchro/core";
import type { Generation } from "../store/held-record.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";
import { type Departure, departUnstored, releaseWaiting } from "./replaced.ts";

/** What became of one change that was sent. */
export type Settlement = { readonly entry: OutboxEntry } & (
  | { readonly kind: "applied"; readonly as: Departure }
  /** It lost to the record of the seq `by`. */
  | { readonly kind: "superseded"; readonly by: Seq; readonly as: Departure }
  /** Refused for good: it is among the dead letters. */
  | { readonly kind: "refused"; readonly rejection: Rejection; readonly as: Departure }
  /** An offer that the server would not have: gone, and counted. */
  | { readonly kind: "dropped"; readonly as: Departure }
  /** Its stamp was ahead of the server's clock: it is sent again with this one. */
  | { readonly kind: "restamped"; readonly stamp: Stamp }
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
): Settlement => {
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
 * What a result means for its entry, pure; undefined: beyond the prefix that was answered. Spec:
 * CLIENT-4, CLIENT-5, CLIENT-9, CLIENT-23, CLIENT-28.
 */
export const settleEntry = (
  entry: OutboxEntry,
  result: ChangeResult | undefined,
  context: SettleContext,
): Settlement => {
  if (result === undefined) return { kind: "unjudged", entry };
  const { stamp } = entry;
  switch (result.kind) {
    case "applied":
      return { kind: "applied", entry, as: { stamp, seq: result.seq, mark: context.generation } };
    case "superseded":
      // It was stored under no seq, and whoever made it has not seen the record that beat it.
      return { kind: "superseded", entry, by: result.seq, as: { stamp, seq: 0, mark: 0 } };
    case "rejected":
      return settleRejected(entry, result.rejection, context);
  }
};

/** Whether the entry leaves the outbox. */
export const isSettled = ({ kind }: Settlement): boolean =>
  kind !== "unjudged" && kind !== "restamped";

/** The entries of the record to write because of a settlement, its own among them if it stays and changes. */
export const entriesAfter = (
  group: readonly OutboxEntry[],
  settlement: Settlement,
): readonly OutboxEntry[] => {
  const { entry } = settlement;
  if (settlement.kind === "unjudged") return [];
  if (settlement.kind !== "restamped") return releaseWaiting(group, entry, settlement.as);
  const { stamp } = settlement;
  // Who replaced the version that is offered follows its new stamp.
  const followers = group
    .filter(({ replaced }) => replaced.after === entry.id && replaced.stamp === entry.stamp)
    .map((follower) => ({ ...follower, replaced: { ...follower.replaced, stamp } }));
  return [{ ...entry, stamp }, ...(entry.isOffer ? followers : [])];
};
