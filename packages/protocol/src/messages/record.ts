import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import {
  collectionField,
  deletedField,
  keyField,
  lifeField,
  seqField,
  stampField,
  stampsField,
  valueField,
} from "./field.ts";

/** At most one of the two stands: who reads `author` alone can't take an unproven name for a proven one. */
const authorFields = () => ({
  author: Type.Optional(
    Type.String({
      description: "Who made this version: the subject of the token that brought it.",
    }),
  ),
  author_unverified: Type.Optional(
    Type.String({ description: "Who made this version, as its client said; no token proved it." }),
  ),
});

/** What names a version and tells its content: shared with evidence, whose versions have no seq. */
export const liveVersionFields = () => ({
  collection: collectionField(),
  key: keyField(),
  updated_at: stampField({ description: "The version's stamp, as its client set it." }),
  value: valueField(),
  ...authorFields(),
});

export const deletedVersionFields = () => {
  const { value: _, ...fields } = liveVersionFields();
  return { ...fields, deleted: deletedField() };
};

const fieldStateFields = () => ({
  life: Type.Optional(lifeField()),
  stamps: Type.Optional(stampsField()),
});

/** A stored version of a record, as every answer of `/v2` shows it. */
export const recordSchema = Type.Union(
  [
    Type.Object(
      { ...liveVersionFields(), seq: seqField(), ...fieldStateFields() },
      { title: "Live record" },
    ),
    Type.Object(
      { ...deletedVersionFields(), seq: seqField(), ...fieldStateFields() },
      { title: "Tombstone", not: { required: ["value"] } },
    ),
  ],
  {
    title: "Record",
    description: "A stored version of a record: its value, or `deleted`.",
    examples: [
      {
        collection: "readings",
        key: "04012345678901",
        seq: 4690,
        updated_at: "2026-11-24T10:00:00Z",
        value: { expiration_date: "2026-12-01", quantity: 12 },
      },
      {
        collection: "readings",
        key: "04012345678918",
        seq: 4691,
        updated_at: "2026-11-24T10:01:00Z",
        deleted: true,
      },
      {
        collection: "articles",
        key: "milk",
        seq: 4692,
        updated_at: "2026-11-24T10:02:00Z",
        life: 1,
        stamps: {
          name: "2026-11-20T08:00:00Z",
          note: "2026-11-24T10:02:00Z",
          shelf: "2026-11-24T09:30:00Z",
        },
        value: { name: "Milk", shelf: "B" },
      },
    ],
  },
);

export type WireRecord = MessageOf<typeof recordSchema>;
