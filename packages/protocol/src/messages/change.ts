import Type from "typebox";
import type { Limits } from "../limits.ts";
import type { MessageOf } from "../message-of.ts";
import {
  collectionField,
  countField,
  deletedField,
  keyField,
  labelField,
  lifeField,
  stampField,
  stampsField,
  valueField,
} from "./field.ts";

const members = (limits: Limits) => ({
  collection: collectionField(),
  key: keyField(),
  updated_at: stampField({
    description:
      "The change's stamp: the corrected clock, and later than the version that the edit replaced.",
  }),
  base: Type.Optional(
    Type.Unsafe<number | null>({
      ...countField({
        description:
          "The seq of the version that the edit replaced; null or absent if the client knew of none. A stored version that a change did not know is kept as evidence when it is overwritten.",
        examples: [4600],
      }),
      type: ["integer", "null"],
    }),
  ),
  life: Type.Optional(
    lifeField({
      description:
        "In collections of the policy `fields`, where it is required: the life that the change belongs to. A patch has the life of the version that it replaced, a delete the even number after it; what makes a record has 1, or the odd number after a deleted one, and is a whole value.",
    }),
  ),
  stamps: Type.Optional(
    stampsField({
      description:
        "In collections of the policy `fields`: stamps of single fields, where they differ from `updated_at`. A field that stands here and not in `value` is removed.",
    }),
  ),
  author: Type.Optional(
    Type.Unsafe<string | null>({
      ...labelField(limits.labelLengthMax, {
        description:
          "Who made the change; absent: the token's subject. Another name is kept as unverified.",
      }),
      type: ["string", "null"],
      minLength: 0,
    }),
  ),
});

/**
 * A client's wish: this record should hold this value, or be deleted, as of `updated_at`. It is the
 * documented schema; a server judges each change alone, so that a bad one blocks no other.
 */
export const createChangeSchema = (limits: Limits) =>
  Type.Union(
    [
      Type.Object(
        {
          ...members(limits),
          value: valueField(),
          deleted: Type.Optional(Type.Literal(false)),
        },
        { title: "Write" },
      ),
      Type.Object(
        { ...members(limits), deleted: deletedField() },
        { title: "Delete", not: { required: ["value"] } },
      ),
    ],
    {
      title: "Change",
      description:
        "A record should hold this value, or be deleted, as of `updated_at`. In collections of the policy `fields` the value is a patch: the fields that it sets, and `null` for those that it removes.",
      examples: [
        {
          collection: "readings",
          key: "04012345678901",
          updated_at: "2026-11-24T10:00:00.000001Z",
          base: 4600,
          value: { expiration_date: "2026-12-01" },
        },
        {
          collection: "readings",
          key: "04012345678918",
          updated_at: "2026-11-24T10:01:00Z",
          deleted: true,
        },
        {
          collection: "articles",
          key: "milk",
          updated_at: "2026-11-24T10:02:00Z",
          base: 4688,
          life: 1,
          value: { shelf: "B", note: null },
        },
      ],
    },
  );

export type Change = MessageOf<ReturnType<typeof createChangeSchema>>;
