import type { JsonObject } from "@synchro/core";
import type { DeadLetter, EntryId, OutboxEntry } from "../store/outbox-entry.ts";

/** A change that the server does not have, for people to see. */
export type OutboxItem = {
  readonly id: EntryId;
  readonly collection: string;
  readonly key: string;
  /** Null: a delete. */
  readonly value: JsonObject | null;
  /** The device's clock at the edit. */
  readonly editedAt: string;
  readonly author: string | null;
  /** `waiting`: not sent, or not answered. `rejected`: refused for good, with the reason. `offer`: the server's own, which it may have lost. */
  readonly state: "waiting" | "offer" | "rejected";
  readonly rejection: {
    readonly code: string;
    readonly message: string;
    readonly path: string;
  } | null;
};

const itemOf = (entry: OutboxEntry, rejection: DeadLetter["rejection"] | null): OutboxItem => ({
  id: entry.id,
  collection: entry.collection,
  key: entry.key,
  value: entry.value === null ? null : (JSON.parse(entry.value) as JsonObject),
  editedAt: entry.editedAt,
  author: entry.author,
  state: rejection !== null ? "rejected" : entry.isOffer ? "offer" : "waiting",
  rejection:
    rejection === null
      ? null
      : { code: rejection.code, message: rejection.message, path: rejection.path },
});

export const waitingItem = (entry: OutboxEntry): OutboxItem => itemOf(entry, null);

export const rejectedItem = ({ entry, rejection }: DeadLetter): OutboxItem =>
  itemOf(entry, rejection);

/** The changes that the server does not have: to be seen, mended, taken back and taken along. */
export interface Outbox {
  /** Refused ones first, then those that wait, each oldest first. */
  list(): Promise<readonly OutboxItem[]>;
  /**
   * Sends a refused change again, as a new edit: with `value`, or as it was. One that waits is sent as
   * soon as it can be anyway; for that one it only wakes the loop.
   *
   * @throws InvalidValueError if `value` may not be put
   */
  retry(id: EntryId, value?: JsonObject | null): Promise<"retried" | "not_found">;
  /** Gives a change up for good. One that was sent and not answered can't be: it may have been applied. */
  discard(id: EntryId): Promise<"discarded" | "in_flight" | "not_found">;
  /** All of it as NDJSON, a change a line, in the shape that `synchro import` takes; for a mail, or a file. */
  export(): Promise<string>;
}
