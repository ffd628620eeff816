import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseArguments } from "../config/arguments.ts";
import { StartError } from "../config/start-error.ts";
import { placeFlags, readPlace } from "./place-flags.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-place-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (args: readonly string[], environment = {}) =>
  readPlace(
    parseArguments({ name: "export", flags: placeFlags, operands: [] }, args, environment),
    environment,
  );

const refusal = (args: readonly string[], environment = {}): string => {
  try {
    place(args, environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error("was not refused");
};

const url = "http://127.0.0.1:7100";

describe("a place that can't be used is refused, and no secret is told", () => {
  test.each([
    "127.0.0.1:7100",
    "ftp://a",
    "",
    "http://canary:canary@a",
    "http://canary@a",
    "http://a?token=canary",
    "http://a#canary",
  ])("--url %j", (text) => {
    expect(refusal([`--url=${text}`])).toMatch(/^--url must (?!.*canary)/);
  });

  test.each(["canary canary", "canary\ncanary", "cänary", " "])("a token %j", (text) => {
    const file = join(folder, "token");
    writeFileSync(file, text);
    expect(refusal(["--url", url, "--token-file", file])).toBe(`${file} does not hold a token`);
    expect(refusal(["--url", url], { SYNCHRO_TOKEN: text })).toBe(
      "SYNCHRO_TOKEN does not hold a token",
    );
  });

  test("a file that is not there", () => {
    expect(refusal(["--url", url, "--token-file", join(folder, "none")])).toMatch(
      /none: the token can't be read: ENOENT/,
    );
  });

  test("two places at once", () => {
    expect(refusal(["--url", url, "--data", "d"])).toBe("--data and --url exclude each other");
  });
});

test("a folder, by flag, by variable or by default", () => {
  expect(place([])).toEqual({ kind: "data", data: { kind: "folder", folder: "./data" } });
  expect(place(["--data", "d"])).toEqual({
    kind: "data",
    data: { kind: "folder", folder: "d" },
  });
  expect(place([], { SYNCHRO_DATA: "e" })).toEqual({
    kind: "data",
    data: { kind: "folder", folder: "e" },
  });
});

test("a server, with a token from a file or a variable", () => {
  const file = join(folder, "token");
  writeFileSync(file, "aa.bb-_.cc\n");
  const environment = { SYNCHRO_DATA: "e", SYNCHRO_TOKEN: "t1" };
  expect(place(["--url", `${url}/`])).toEqual({ kind: "server", url, token: null });
  expect(place(["--url", `${url}/base/`])).toMatchObject({ url: `${url}/base` });
  expect(place(["--url", url], environment)).toMatchObject({ token: "t1" });
  expect(place(["--url", url, "--token-file", file], environment)).toMatchObject({
    token: "aa.bb-_.cc",
  });
  expect(place(["--url", url], { SYNCHRO_TOKEN_FILE: file })).toMatchObject({
    token: "aa.bb-_.cc",
  });
});
