/** Readings as RxDB has them declared. */
export const readingsSchema = {
  version: 0,
  primaryKey: "key",
  type: "object",
  properties: {
    key: { type: "string", maxLength: 250 },
    updated_at: { type: "string" },
    expiration_date: { type: "string" },
    quantity: { type: "number" },
  },
  required: ["key", "updated_at", "expiration_date"],
};
