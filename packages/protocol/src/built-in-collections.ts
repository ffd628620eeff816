import { INSTANT_FORMAT } from "./instant-format.ts";

/** A collection as it is declared: the JSON Schema (draft 2020-12) of its values, and the member that repeats the key. */
export type CollectionDeclaration = {
  readonly schema: { readonly [keyword: string]: unknown };
  /** Absent: no member repeats the key. */
  readonly key?: string;
};

const expirationDate = {
  type: "string",
  format: INSTANT_FORMAT,
  description: "A date, or a date-time in ISO 8601; without a zone it is in UTC. Kept as sent.",
  examples: ["2026-12-01", "2026-12-01T08:30:00Z"],
} as const;

/** Fractions are for goods sold by weight. Less than nothing stands on no shelf: below 0 is a slip. */
const quantity = { type: "number", minimum: 0, description: "How many, or how much." } as const;

const location = {
  type: "string",
  maxLength: 1_000,
  description: "Where it stands.",
  examples: ["aisle 4, shelf 2"],
} as const;

/**
 * What a server serves with no configuration; both `last-write`. Members that the schemas don't
 * name are allowed and kept.
 */
export const builtInCollections = {
  /** A product in a shop: its soonest open date. `/v1` serves this collection and no other. */
  readings: {
    key: "gtin",
    schema: {
      type: "object",
      description: "A product in a shop, with its soonest open expiration date.",
      required: ["expiration_date"],
      properties: {
        gtin: {
          type: "string",
          description: "The product's number. It may be left out; else it equals the record's key.",
          examples: ["04012345678901"],
        },
        expiration_date: expirationDate,
        quantity,
        location,
        note: { type: "string", maxLength: 1_000, description: "Free text." },
      },
    },
  },
  /** One batch of a product: several dates of a product stand side by side. The client makes the key. */
  batches: {
    schema: {
      type: "object",
      description: "One batch of a product, so that a product may have several dates.",
      required: ["gtin", "expiration_date"],
      properties: {
        gtin: {
          type: "string",
          minLength: 1,
          maxLength: 250,
          description: "The product's number.",
          examples: ["04012345678901"],
        },
        expiration_date: expirationDate,
        lot: { type: "string", maxLength: 1_000, description: "The batch or lot printed on it." },
        quantity,
        location,
      },
    },
  },
} as const satisfies { readonly [name: string]: CollectionDeclaration };
