import Type from "typebox";
import type { MessageOf } from "../message-of.ts";
import { recordsMaxField, spaceIdField, titleField } from "./space-entry.ts";

const title = () => titleField({ description: "What people call it; absent: its id." });

/** Makes a space. */
export const spaceCreationSchema = Type.Object(
  {
    id: spaceIdField(),
    title: Type.Optional(title()),
    records_max: Type.Optional(recordsMaxField()),
  },
  {
    title: "Space creation",
    description: "Makes a space.",
    examples: [{ id: "shop-1", title: "Malmö", records_max: 100_000 }],
  },
);

export type SpaceCreation = MessageOf<typeof spaceCreationSchema>;

/** Changes a space's title or quota; what is absent stays. */
export const spaceChangeSchema = Type.Object(
  { title: Type.Optional(title()), records_max: Type.Optional(recordsMaxField()) },
  {
    title: "Space change",
    description: "Changes a space's title or quota; what is absent stays.",
    examples: [{ title: "Lund" }, { records_max: null }],
  },
);

export type SpaceChange = MessageOf<typeof spaceChangeSchema>;
