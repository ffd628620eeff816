import Type, { type TSchema } from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import { createChangeSchema } from "./change.ts";
import { frameIdField, frameTypeField } from "./live-field.ts";
import { syncRequestFields } from "./sync-request.ts";
import { spaceIdField } from "./space-entry.ts";

const createSchema = <Item extends TSchema>(limits: Limits, change: Item, changesMax?: number) => {
  const { client_id, cursor, ack, collections, changes, status } = syncRequestFields(
    limits,
    change,
    changesMax,
  );
  return Type.Object(
    {
      type: frameTypeField("push"),
      id: frameIdField(limits),
      space: spaceIdField(),
      client_id,
      cursor,
      ack,
      collections,
      changes,
      status,
    },
    {
      title: "push",
      description:
        'A sync request with `"pull": false`, for one space (`cursor` only says up to where its sender has read): answered with `results`, or with `error` where nothing of it was applied. Pushes to one space are done one after another, in the order of their frames.',
      examples: [
        {
          type: "push",
          id: "2",
          space: "shop-1",
          ack: "a1.k7f2m9.4690",
          changes: [
            {
              collection: "readings",
              key: "04012345678901",
              updated_at: "2026-11-24T10:00:00.000001Z",
              base: 4600,
              value: { expiration_date: "2026-12-01" },
            },
          ],
        },
      ],
    },
  );
};

/** A push as it is read: each change is judged alone, later. */
export const createLivePushSchema = (limits: Limits) => createSchema(limits, Type.Unknown());

/** The same as it is documented: with the changes' schema, and how many there may be. */
export const createLivePushDocumentSchema = (limits: Limits) =>
  createSchema(limits, createChangeSchema(limits), limits.changesMax);

export type LivePush = MessageOf<ReturnType<typeof createLivePushSchema>>;

/** A push that a client makes. */
export type LivePushDocument = MessageOf<ReturnType<typeof createLivePushDocumentSchema>>;
