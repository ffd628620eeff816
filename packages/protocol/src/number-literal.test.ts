import { describe, expect, test } from "vitest";
import { survivesDouble } from "./number-literal.ts";

const MEBI = 1_048_576;
/** Ample for one look at each of a mebibyte of digits, far too short for a look at each pair. */
const LINEAR = { timeout: 5_000 };

describe("survivesDouble", () => {
  test.each([
    ["one more than 2^53", "9007199254740993"],
    ["the same, negative", "-9007199254740993"],
    ["the same, in parts", "9007199254740.993e3"],
    ["the same, with zeros around it", "9007199254740993.000"],
    ["18 digits", "123456789012345678"],
    ["the exact value of the double nearest to 0.1", "0.1000000000000000055511151231257827"],
    ["0.1 and a little, where the point is a character", "0.10000000000000000001"],
    ["17 digits that are not the shortest", "0.10000000000000001"],
    ["the exact value of 2^68, which prints shorter", "295147905179352825856"],
    ["infinite", "1E400"],
    ["infinite, negative", "-1e309"],
    ["infinite by rounding", "1.7976931348623159e308"],
    ["infinite by an absurd exponent", "1e99999999999999999999"],
    ["zero by rounding", "1e-400"],
    ["zero by half of the least double", "2.4703282292062327e-324"],
    ["zero by an absurd exponent", "1e-99999999999999999999"],
    ["rounded to the least double", "4e-324"],
    ["rounded among the subnormals", "1.2345e-320"],
  ])("does not survive: %s, %s", (_, literal) => {
    expect(survivesDouble(literal)).toBe(false);
  });

  test.each([
    "0",
    "-0",
    "-0.0e5",
    "0e999",
    "0.000e-99999999999999999999",
    "0e99999999999999999999",
    "1",
    "-1",
    "1.10",
    "0.1",
    "0.30000000000000004",
    "12.5",
    "0.05",
    "1e2",
    "1E+2",
    "1e-2",
    "1e0",
    "100e-2",
    "0.001e3",
    "9007199254740991",
    "9007199254740992",
    "9007199254740994",
    "123456789012345680",
    "123456789012345680.0",
    "100000000000000000000",
    "295147905179352830000",
    "1000000000000000000000",
    "1e21",
    "1e23",
    "1.7976931348623157e308",
    "0.17976931348623157E309",
    "2.2250738585072014e-308",
    "5e-324",
    "50e-325",
    "1e0000000000000000000002",
    "1e-0000000000000000000002",
  ])("survives: %s", (literal) => {
    expect(survivesDouble(literal)).toBe(true);
  });

  test("zeros and an exponent that undo each other survive, however many", LINEAR, () => {
    const zeros = "0".repeat(MEBI);
    expect(survivesDouble(`125${zeros}e-${MEBI}`)).toBe(true);
    expect(survivesDouble(`0.${zeros}125e${MEBI + 3}`)).toBe(true);
    expect(survivesDouble(`125.${zeros}`)).toBe(true);
    expect(survivesDouble(`1e${zeros}2`)).toBe(true);
    expect(survivesDouble(`0.${zeros}`)).toBe(true);
    expect(survivesDouble(`0.${zeros}125e${MEBI + 400}`)).toBe(false);
  });

  test("a mebibyte of digits does not survive, and is looked at once", LINEAR, () => {
    expect(survivesDouble("7".repeat(MEBI))).toBe(false);
    expect(survivesDouble(`0.${"7".repeat(MEBI)}`)).toBe(false);
    expect(survivesDouble(`1.${"0".repeat(MEBI)}1`)).toBe(false);
    expect(survivesDouble(`1e${"7".repeat(MEBI)}`)).toBe(false);
  });

  test("text that is no number does not make it throw", () => {
    for (const text of [
      "",
      "-",
      ".",
      "e",
      "1e",
      "1e+",
      "--1",
      "1-1",
      "1.2.3",
      "1e5e5",
      "01",
      "+",
    ]) {
      expect(typeof survivesDouble(text)).toBe("boolean");
    }
  });
});
