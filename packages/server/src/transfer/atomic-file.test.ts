import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemRuntime } from "../system-runtime.ts";
import { AtomicFile } from "./atomic-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-atomic-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (name: string): AtomicFile => new AtomicFile(join(folder, name), systemRuntime);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a place that can't take a file is told by its name", () => {
  test.each([
    [".", /: is not a file: write to - to use a pipe$/],
    ["none/a", /none\/a: can't be written: .*ENOENT/],
  ])("%s", (name, line) => {
    expect(() => open(name)).toThrow(line);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a device is not replaced", () => {
    expect(() => new AtomicFile("/dev/null", systemRuntime)).toThrow(/is not a file/);
  });
});

test("until it is committed, what stood there stays", () => {
  writeFileSync(join(folder, "a"), "old");
  const file = open("a");
  file.write(bytes("new"));
  expect(readFileSync(join(folder, "a"), "utf8")).toBe("old");
  file.discard();
  expect(readdirSync(folder)).toEqual(["a"]);
  expect(readFileSync(join(folder, "a"), "utf8")).toBe("old");
});

test("once it is committed it stands there whole, and alone", () => {
  const file = open("a");
  file.write(bytes("one "));
  file.write(bytes("two"));
  expect(existsSync(join(folder, "a"))).toBe(false);
  file.commit();
  file.discard();
  expect(readdirSync(folder)).toEqual(["a"]);
  expect(readFileSync(join(folder, "a"), "utf8")).toBe("one two");
  expect(() => file.write(bytes("three"))).toThrow("the file is closed");
});

test("a link stays, and what it points to is replaced", () => {
  writeFileSync(join(folder, "real"), "old");
  symlinkSync("real", join(folder, "link"));
  const file = open("link");
  file.write(bytes("new"));
  file.commit();
  expect(readFileSync(join(folder, "real"), "utf8")).toBe("new");
  expect(readdirSync(folder).toSorted()).toEqual(["link", "real"]);
});
