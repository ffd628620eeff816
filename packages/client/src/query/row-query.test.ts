import { describe, expect, test } from "vitest";
import { collection, type RowOf } from "../collection/collection.ts";
import { t } from "../collection/t.ts";
import { fieldKindsOf } from "./field-kind.ts";
import type { QuerySpec } from "./query-spec.ts";
import { createRowQuery, type RowQuery } from "./row-query.ts";

const readings = collection("readings", {
  key: "gtin",
  fields: {
    gtin: t.string(),
    expiration_date: t.date(),
    quantity: t.integer().optional(),
    state: t.oneOf("fresh", "sold").optional(),
    is_open: t.boolean(),
    tags: t.array(t.string()).optional(),
    more: t.json().optional(),
    opened: t.date().optional(),
  },
});
type Reading = RowOf<typeof readings>;

const asked: QuerySpec<Reading>[] = [];
const query = (): RowQuery<Reading> =>
  createRowQuery<Reading>({
    kinds: fieldKindsOf(readings.fields),
    read: async (spec) => {
      asked.push(spec);
      return [];
    },
    subscribe: (spec) => {
      asked.push(spec);
      return () => {};
    },
  });

describe("what does not compile", () => {
  test("is a field or a value that the collection does not declare", () => {
    // @ts-expect-error -- no such field
    query().where({ expiry: "2026-12-01" });
    // @ts-expect-error -- a text where a number is
    query().where({ quantity: "3" });
    // @ts-expect-error -- a bound of another type
    expect(() => query().where({ quantity: { lte: "3" }, gtin: undefined })).toThrow("gtin");
    // @ts-expect-error -- no such value
    query().where({ state: "stale" });
    // @ts-expect-error -- no such value in the list
    query().where({ state: { in: ["fresh", "stale"] } });
    // @ts-expect-error -- true and false have no order
    query().where({ is_open: { lt: true } });
    // @ts-expect-error -- a number has no beginning
    query().where({ quantity: { startsWith: "3" } });
    // @ts-expect-error -- a list is compared with `eq`
    expect(() => query().where({ tags: ["a"] })).toThrow("tags");
    // @ts-expect-error -- no such field
    query().orderBy("expiry");
    // @ts-expect-error -- no such direction
    query().orderBy("gtin", "up");
    expect(asked).toEqual([]);
  });
});

test("what a collection declares compiles", () => {
  query()
    .where({ expiration_date: { lte: "2026-12-01", gt: "2026-11-01" }, quantity: { gt: 3 } })
    .where({ gtin: { in: ["a", "b"], startsWith: "a" }, quantity: { exists: true } })
    .where({ state: "fresh", is_open: true, opened: null, tags: { eq: ["a"] } })
    .where({ more: { eq: { a: [1] } }, quantity: { eq: null, ne: 3 } })
    .where({ more: 3 });
  expect(asked).toEqual([]);
});

test("each step answers a new query and leaves the last as it was", async () => {
  const soon = query().where({ expiration_date: { lte: "2026-12-01" } });
  const sorted = soon.orderBy("expiration_date").orderBy("quantity", "desc").limit(5);
  await soon.get();
  sorted.subscribe(() => {})();
  expect(asked).toEqual([
    { where: [{ expiration_date: { lte: "2026-12-01" } }], orderBy: [], limit: null },
    {
      where: [{ expiration_date: { lte: "2026-12-01" } }],
      orderBy: [
        { field: "expiration_date", direction: "asc" },
        { field: "quantity", direction: "desc" },
      ],
      limit: 5,
    },
  ]);
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("%s is no limit", (count) => {
  expect(() => query().limit(count)).toThrow(RangeError);
});

test("the kinds of fields are those of their declaration", () => {
  const kinds = fieldKindsOf(readings.fields);
  const fields = ["gtin", "expiration_date", "opened", "quantity", "unknown", "toString"];
  expect(fields.map(kinds)).toEqual(["plain", "instant", "instant", "plain", "plain", "plain"]);
});
