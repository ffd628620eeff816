import { describe, expect, test } from "vitest";
import { parseArguments } from "./arguments.ts";
import { StartError } from "./start-error.ts";

const flags = {
  port: { value: "PORT", variable: "TEST_PORT", help: "a port" },
  origin: { value: "ORIGIN", variable: "TEST_ORIGIN", help: "an origin", isRepeatable: true },
  "dry-run": { value: null, variable: "TEST_DRY_RUN", help: "only looks" },
  secret: { value: "FILE", variable: null, help: "a file" },
} as const;

const operands = [
  { name: "FROM", help: "where from" },
  { name: "TO", help: "where to", isOptional: true },
] as const;

const parse = (args: readonly string[], environment = {}) =>
  parseArguments({ name: "copy", flags, operands }, args, environment);

const refusal = (run: () => unknown): StartError => {
  try {
    run();
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error("was not refused");
};

describe("a command line that can't be understood gets one line and the exit code 2", () => {
  test.each([
    [["a", "--prot", "1"], "--prot is not a flag of copy: did you mean --port?"],
    [
      ["a", "--frobnicate"],
      "--frobnicate is not a flag of copy: known are --port, --origin, --dry-run, --secret",
    ],
    [["a", "--constructor"], /^--constructor is not a flag of copy: known are /],
    [["a", "--__proto__=x"], /^--__proto__ is not a flag of copy: known are /],
    [["a", "--no-dry-run"], /^--no-dry-run is not a flag of copy: /],
    [["a", "-p", "1"], /^-p is not a flag of copy: /],
    [["a", "-pq"], /^-p is not a flag of copy: /],
    [["a", "--port"], "--port needs a value: --port PORT"],
    [["a", "--port", "1", "--port=2"], "--port is given twice"],
    [["a", "--dry-run", "--dry-run"], "--dry-run is given twice"],
    [["a", "--dry-run=yes"], "--dry-run takes no value"],
    [["a", "--dry-run="], "--dry-run takes no value"],
    [[], "FROM is missing (where from): see synchro copy --help"],
    [["--dry-run"], "FROM is missing (where from): see synchro copy --help"],
    [["a", "b", "c"], "c is not expected here: see synchro copy --help"],
    [["a", "b", "--", "--port"], "--port is not expected here: see synchro copy --help"],
  ])("%j", (args, line) => {
    const error = refusal(() => parse(args));
    expect(error.message).toMatch(
      typeof line === "string" ? new RegExp(`^${RegExp.escape(line)}$`) : line,
    );
    expect(error.exitCode).toBe(2);
  });

  test.each([
    [["a", "--port", "--secret", "f"], "--port needs a value: --port PORT"],
    [["a", "--port", "--dry-run"], "--port needs a value: --port PORT"],
    [["a", "--port", "--"], "--port needs a value: --port PORT"],
    [["a", "--secret", "-x"], "--secret needs a value: --secret FILE"],
  ])("a flag never swallows the one that follows it: %j", (args, line) => {
    expect(refusal(() => parse(args)).message).toContain(line);
  });

  test("a command without flags says so", () => {
    const none = { name: "bare", flags: {}, operands: [] };
    expect(refusal(() => parseArguments(none, ["--port", "1"], {})).message).toBe(
      "--port is not a flag of bare: it takes none",
    );
  });

  test("a switch's variable that is neither true nor false", () => {
    const { isOn } = parse(["a"], { TEST_DRY_RUN: "yes" });
    expect(refusal(() => isOn("dry-run")).message).toBe(
      'TEST_DRY_RUN must be true or false, not "yes"',
    );
  });
});

describe("a command line is taken apart", () => {
  test("flags stand anywhere, with their value beside or behind an equals sign", () => {
    const {
      operands: places,
      value,
      isOn,
    } = parse(["--port=1", "a", "--dry-run", "--secret", "f", "b"]);
    expect(places).toEqual(["a", "b"]);
    expect(value("port")).toEqual({ text: "1", place: "--port" });
    expect(value("secret")).toEqual({ text: "f", place: "--secret" });
    expect(isOn("dry-run")).toBe(true);
  });

  test("what begins like a flag is a value behind an equals sign, and `-` always", () => {
    expect(parse(["a", "--secret=-x"]).value("secret")?.text).toBe("-x");
    expect(parse(["a", "--secret=--port"]).value("secret")?.text).toBe("--port");
    expect(parse(["a", "--secret=a=b"]).value("secret")?.text).toBe("a=b");
    expect(parse(["a", "--secret", "-"]).value("secret")?.text).toBe("-");
    expect(parse(["a", "--port", "-1"]).value("port")?.text).toBe("-1");
    expect(parse(["a", "--secret="]).value("secret")?.text).toBe("");
  });

  test("`-` and everything after `--` are operands", () => {
    expect(parse(["-"]).operands).toEqual(["-"]);
    expect(parse(["--", "--port", "-h"]).operands).toEqual(["--port", "-h"]);
  });

  test("an optional operand may be missing", () => {
    expect(parse(["a"]).operands).toEqual(["a"]);
  });

  test("nothing given is nothing", () => {
    const { value, values, isOn } = parse(["a"]);
    expect(value("port")).toBeUndefined();
    expect(values("origin")).toEqual([]);
    expect(isOn("dry-run")).toBe(false);
  });
});

describe("variables", () => {
  test("stand where no flag is given; an empty one is none", () => {
    const environment = { TEST_PORT: "7", TEST_ORIGIN: "", TEST_DRY_RUN: "" };
    expect(parse(["a"], environment).value("port")).toEqual({ text: "7", place: "TEST_PORT" });
    expect(parse(["a", "--port", "8"], environment).value("port")?.text).toBe("8");
    expect(parse(["a"], environment).values("origin")).toEqual([]);
    expect(parse(["a"], environment).isOn("dry-run")).toBe(false);
  });

  test("a repeatable flag adds up, and in its variable commas part the values", () => {
    const texts = (args: readonly string[], environment = {}) =>
      parse(args, environment)
        .values("origin")
        .map(({ text }) => text);
    expect(texts(["a", "--origin", "x", "--origin=y,z"])).toEqual(["x", "y,z"]);
    expect(texts(["a"], { TEST_ORIGIN: "x, y" })).toEqual(["x", "y"]);
    expect(texts(["a", "--origin", "z"], { TEST_ORIGIN: "x,y" })).toEqual(["z"]);
    expect(texts(["a"], { TEST_PORT: "1,2" })).toEqual([]);
    expect(parse(["a"], { TEST_PORT: "1,2" }).value("port")?.text).toBe("1,2");
  });

  test.each([
    ["1", true],
    ["true", true],
    ["0", false],
    ["false", false],
  ])("a switch's variable %j", (text, isOn) => {
    expect(parse(["a"], { TEST_DRY_RUN: text }).isOn("dry-run")).toBe(isOn);
    expect(parse(["a", "--dry-run"], { TEST_DRY_RUN: text }).isOn("dry-run")).toBe(true);
  });
});
