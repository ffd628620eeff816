import { describe, expect, test } from "vitest";
import { isSameValue, recordId } from "./record.ts";
import { batches, readings } from "../testing/samples.ts";

describe("isSameValue", () => {
  test("[LWW-3] a deleted record differs from every value, null and empty ones included", () => {
    for (const value of ["null", "{}", '""', "0"]) {
      expect(isSameValue(null, value)).toBe(false);
      expect(isSameValue(value, null)).toBe(false);
    }
  });

  test("[LWW-2] two deleted ones are the same, and so are two texts of one value", () => {
    expect(isSameValue(null, null)).toBe(true);
    expect(isSameValue('{"a":1,"b":2}', '{ "b": 2, "a": 1.0 }')).toBe(true);
  });
});

test("[WORD-3] a record is named by collection and key, and by nothing that looks alike", () => {
  const ids = [
    recordId(readings, "a"),
    recordId(batches, "a"),
    recordId(readings, "a "),
    recordId(readings, "readings a"),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(recordId(readings, "a")).toBe(recordId(readings, "a"));
});
