import Type, { type TSchema } from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { createChangeSchema } from "./change.ts";
import { collectionField, labelField, limitField, nullableTokenField } from "./field.ts";
import { createStatusSchema } from "./status.ts";

const example = {
  client_id: "c_01J9ZK2V",
  cursor: null,
  collections: ["readings"],
  limit: 1_000,
  changes: [
    {
      collection: "readings",
      key: "04012345678901",
      updated_at: "2026-11-24T10:00:00.000001Z",
      base: 4600,
      value: { expiration_date: "2026-12-01" },
    },
  ],
};

/** Where the client stands, and what it wants to hear. */
const pullFields = (limits: Limits) => ({
  cursor: Type.Optional(
    nullableTokenField(limits.cursorLengthMax, {
      description: "The cursor of the last answer applied; null or absent: from the beginning.",
    }),
  ),
  ack: Type.Optional(
    nullableTokenField(limits.cursorLengthMax, {
      description:
        "The ack of the last answer to a push, also with a null cursor. A `reset` has the client forget it.",
    }),
  ),
  collections: Type.Optional(
    Type.Array(collectionField(), {
      minItems: 1,
      maxItems: limits.collectionsMax,
      description:
        "What to answer with; absent: all that are declared. Order and repeats don't count; another set than the cursor's brings a reset.",
      examples: [["readings"]],
    }),
  ),
  limit: Type.Optional(limitField(limits)),
  pull: Type.Optional(
    Type.Boolean({
      description:
        "False: a push only. The answer then holds results and the records that beat a change, without cursor and digest.",
    }),
  ),
  tombstones: Type.Optional(
    Type.Boolean({
      description:
        'True in each later request of a run that began with `"reset": "offer"`, until `more` is false.',
    }),
  ),
});

export const clientIdField = (limits: Limits) =>
  labelField(limits.labelLengthMax, {
    description:
      "A label that is born and dies with the client's store. Evidence, rejections and status are shown under it; nothing correct depends on it.",
    examples: ["c_01J9ZK2V"],
  });

/** Every member of a sync request; frames of a live connection have some of them. */
export const syncRequestFields = <Item extends TSchema>(
  limits: Limits,
  change: Item,
  changesMax?: number,
) => ({
  client_id: Type.Optional(clientIdField(limits)),
  ...pullFields(limits),
  changes: Type.Optional(
    Type.Array(change, {
      ...(changesMax === undefined ? {} : { maxItems: changesMax }),
      description:
        "The client's changes, each record at most once. They share a transaction, and each is judged alone.",
    }),
  ),
  status: Type.Optional(createStatusSchema(limits)),
});

const createSchema = <Item extends TSchema>(limits: Limits, change: Item, changesMax?: number) =>
  Type.Object(syncRequestFields(limits, change, changesMax), {
    title: "Sync request",
    description: "What the client knows, and what it changed.",
    examples: [example],
  });

/** The body of `POST /v2/spaces/{space}/sync` as it is read: each change is judged alone, later. */
export const createSyncRequestSchema = (limits: Limits) => createSchema(limits, Type.Unknown());

/** The same as it is documented: with the changes' schema, and how many there may be. */
export const createSyncRequestDocumentSchema = (limits: Limits) =>
  createSchema(limits, createChangeSchema(limits), limits.changesMax);

export type SyncRequest = MessageOf<ReturnType<typeof createSyncRequestSchema>>;

/** A request that a client makes. */
export type SyncRequestDocument = MessageOf<ReturnType<typeof createSyncRequestDocumentSchema>>;
