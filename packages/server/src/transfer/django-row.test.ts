import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { checkDjangoColumns, djangoChange } from "./django-row.ts";

describe("a table that is not the origin's is refused by name", () => {
  test.each([
    [[], "there is no table synchro_stockreading: is it the origin's database?"],
    [["gtin", "updated_at"], "table synchro_stockreading has no column expiration_date"],
    [["id", "gtin"], "table synchro_stockreading has no columns updated_at, expiration_date"],
  ])("%j", (columns, message) => {
    expect(() => checkDjangoColumns(new Set(columns))).toThrow(message);
  });

  test("more columns do no harm", () => {
    const columns = ["id", "shop", "gtin", "updated_at", "expiration_date"];
    expect(() => checkDjangoColumns(new Set(columns))).not.toThrow();
  });
});

const change = (gtin: string | null, updatedAt: string | null, expirationDate: string | null) =>
  djangoChange({ gtin, updatedAt, expirationDate }, 7, defaultLimits);

test("a row without a key or a stamp can't be a change", () => {
  expect(change(null, "2021-11-12 01:11:00", "2022-05-01")).toMatchObject({
    kind: "fault",
    line: 7,
    fault: { code: "bad_key", path: "/key" },
  });
  expect(change("a", null, "2022-05-01")).toMatchObject({
    kind: "fault",
    fault: { code: "bad_stamp", message: 'updated_at of gtin "a" is NULL' },
  });
});

test.each([
  ["2021-11-12 01:11:00", "2022-05-01 01:11:00", "2021-11-12T01:11:00Z", "2022-05-01T01:11:00Z"],
  [
    "2021-11-12 01:11:00.000001",
    "2022-05-01 01:11:00.5",
    "2021-11-12T01:11:00.000001Z",
    "2022-05-01T01:11:00.500000Z",
  ],
  ["2021-11-12 01:11:00+02:00", "2022-05-01", "2021-11-11T23:11:00Z", "2022-05-01"],
  ["1636679460", "never", "1636679460", "never"],
])("%s and %s", (updatedAt, expirationDate, stamp, date) => {
  expect(change("test_4", updatedAt, expirationDate)).toEqual({
    kind: "change",
    line: 7,
    violation: undefined,
    change: {
      collection: "readings",
      key: "test_4",
      updated_at: stamp,
      value: { expiration_date: date },
    },
  });
});

test("no date leaves a value that the schema refuses", () => {
  expect(change("a", "2021-11-12 01:11:00", null)).toMatchObject({ change: { value: {} } });
});
