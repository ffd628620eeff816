import { SPACE_ID_PATTERN } from "@synchro/core";
import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { countField, nullableStampField } from "./field.ts";

/** Code points of a space's title, a device's name and an invitation's label. */
const TITLE_LENGTH_MAX = 128;

/**
 * Why a text is no title, name or label, as a rule that comes after the field's name; null where it
 * is one. Control characters have no business in a list that a terminal prints.
 */
export const titleProblem = (text: string): string | null => {
  if (!text.isWellFormed() || /\p{Cc}/u.test(text)) {
    return "must be well-formed Unicode without control characters";
  }
  const isTooLong = Array.from(text).length > TITLE_LENGTH_MAX;
  return isTooLong ? `must have at most ${TITLE_LENGTH_MAX} characters` : null;
};

/** Text for people: it is shown, and decides nothing. */
export const titleField = (words: { readonly description: string; readonly minLength?: 0 | 1 }) =>
  Type.Refine(
    Type.String({ minLength: 1, maxLength: TITLE_LENGTH_MAX, ...words }),
    (text) => titleProblem(text) === null,
    (text) => titleProblem(text) ?? "",
  );

export const spaceIdField = () =>
  Type.String({
    pattern: SPACE_ID_PATTERN,
    description: "The id of the space; it never changes.",
    examples: ["shop-1"],
  });

export const levelField = (description: string) =>
  Type.Enum(["read", "write", "admin"], { description });

export const recordsMaxField = () =>
  Type.Unsafe<number | null>({
    type: ["integer", "null"],
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Live records that the space may hold; null: as many as the disk has room for.",
  });

/** A space as its holders see it. */
export const spaceEntrySchema = Type.Object(
  {
    id: spaceIdField(),
    title: Type.String({ description: "What people call it; its id until somebody names it." }),
    level: levelField("What the caller may do there."),
    records: countField({ description: "Live records that it holds." }),
    records_max: recordsMaxField(),
    created_at: nullableStampField({
      description: "When it was made or first changed; null: it exists by its records alone.",
      examples: ["2026-11-24T10:00:00Z"],
    }),
  },
  {
    title: "Space",
    description: "A space as its holders see it.",
    examples: [
      {
        id: "shop-1",
        title: "Malmö",
        level: "admin",
        records: 812,
        records_max: null,
        created_at: "2026-11-24T10:00:00Z",
      },
    ],
  },
);

export type WireSpaceEntry = MessageOf<typeof spaceEntrySchema>;

/** The answer to a list of spaces: one page. */
export const spaceListSchema = Type.Object(
  {
    spaces: Type.Array(spaceEntrySchema),
    more: Type.Boolean({ description: "Whether others follow: ask again after the last id." }),
  },
  { title: "Space list", description: "The spaces that the caller may see, by id; one page." },
);
