import type { Static, TSchema } from "typebox";

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Member in keyof T]: Frozen<T[Member]> }
    : T;

/** The TypeScript type of a message, from its schema; read-only throughout. */
export type MessageOf<Schema extends TSchema> = Frozen<Static<Schema>>;
