import { describe, expect, test } from "vitest";
import {
  readChoice,
  readOrigin,
  readSpace,
  readSpan,
  readText,
  readWhole,
  requireText,
} from "./argument-values.ts";
import type { Given } from "./arguments.ts";
import { StartError } from "./start-error.ts";

const given = (text: string): Given => ({ text, place: "--it" });

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof StartError && error.exitCode === 2) return error.message;
    throw error;
  }
  throw new Error("was not refused");
};

describe("a value that breaks its rule is refused in one line that names where it was given", () => {
  test.each(["", " ", "\t\n"])("text %j", (text) => {
    expect(refusal(() => readText(given(text)))).toBe("--it must not be empty");
    expect(refusal(() => requireText(given(text), "--other"))).toBe("--it must not be empty");
  });

  test("text that is missing where it must be given", () => {
    expect(refusal(() => requireText(undefined, "--space"))).toBe("--space is missing");
  });

  test.each(["", "-1", "11", "1.5", "1e1", "0x1", " 5", "5 ", "+5", "٣", "99999999999999999999"])(
    "whole number %j",
    (text) => {
      expect(refusal(() => readWhole(given(text), { min: 1, max: 10 }))).toBe(
        `--it must be a whole number from 1 to 10, not ${JSON.stringify(text)}`,
      );
    },
  );

  test.each(["", "A", "a ", "c", "constructor"])("choice %j", (text) => {
    expect(refusal(() => readChoice(given(text), ["a", "b"]))).toBe(
      `--it must be one of a, b, not ${JSON.stringify(text)}`,
    );
  });

  test.each(["", "0d", "00s", "5", "d", "5w", "5D", "-5d", "1.5h", "5 d", "5d5h", "12345678d"])(
    "span %j",
    (text) => {
      expect(refusal(() => readSpan(given(text)))).toBe(
        `--it must be a span such as 30s, 15m, 12h or 90d, not ${JSON.stringify(text)}`,
      );
    },
  );

  test.each(["", "Shop", ".a", "a b", "a/b", "ä", "a".repeat(64), "a\n"])("space %j", (text) => {
    expect(refusal(() => readSpace(given(text)))).toMatch(
      /^--it must be the id of a space, \[a-z0-9\]\[a-z0-9\._-\]\{0,62\}, not "/,
    );
  });

  test.each([
    ["", ""],
    ["*", ""],
    ["null", ""],
    ["app.example", ""],
    ["ftp://app.example", ": did you mean ftp://app.example?"],
    ["https://app.example/", ": did you mean https://app.example?"],
    ["https://app.example/a?b", ": did you mean https://app.example?"],
    ["https://user@app.example", ": did you mean https://app.example?"],
    ["https://app.example:443", ": did you mean https://app.example?"],
    ["http://APP.example", ": did you mean http://app.example?"],
    [" https://app.example", ": did you mean https://app.example?"],
    ["file:///a", ""],
  ])("origin %j", (text, hint) => {
    expect(refusal(() => readOrigin(given(text)))).toBe(
      `--it must be an origin such as https://app.example, without a path, not ${JSON.stringify(text)}${hint}`,
    );
  });
});

describe("a value that keeps its rule is read", () => {
  test("nothing given is null", () => {
    expect(readText(undefined)).toBeNull();
    expect(readWhole(undefined, { min: 0, max: 1 })).toBeNull();
    expect(readChoice(undefined, ["a"])).toBeNull();
    expect(readSpan(undefined)).toBeNull();
  });

  test("text is kept as it is", () => {
    expect(readText(given(" a b "))).toBe(" a b ");
    expect(requireText(given("x"), "--it")).toBe("x");
  });

  test.each([
    ["0", 0],
    ["10", 10],
    ["007", 7],
  ])("whole number %s", (text, number) => {
    expect(readWhole(given(text), { min: 0, max: 10 })).toBe(number);
  });

  test("a choice", () => {
    expect(readChoice(given("b"), ["a", "b"])).toBe("b");
  });

  test.each([
    ["30s", 30],
    ["15m", 900],
    ["12h", 43_200],
    ["90d", 7_776_000],
    ["090d", 7_776_000],
  ])("span %s", (text, seconds) => {
    expect(readSpan(given(text))).toBe(seconds);
  });

  test.each(["a", "0", "shop-1", "a.b_c-d", "a".repeat(63)])("space %s", (text) => {
    expect(readSpace(given(text))).toBe(text);
  });

  test.each(["https://app.example", "http://localhost:5173", "http://[::1]:8080"])(
    "origin %s",
    (text) => {
      expect(readOrigin(given(text))).toBe(text);
    },
  );
});
