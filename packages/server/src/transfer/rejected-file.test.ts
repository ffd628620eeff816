import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RejectedFile } from "./rejected-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-rejected-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const rowOf = (line: number) => ({
  line,
  key: "a\nb",
  code: "bad_row",
  message: "x".repeat(100),
  path: "",
});

test("without a place for the list the first row says so, and closing is quiet", () => {
  const none = new RejectedFile(join(folder, "none/list"));
  expect(() => none.add(rowOf(1))).toThrow(
    /none\/list: rejected rows can't be listed there: ENOENT/,
  );
  expect(() => none.close()).not.toThrow();
  expect(none.first).toBeNull();
});

test("a folder in its place is left alone", () => {
  mkdirSync(join(folder, "list"));
  expect(() => new RejectedFile(join(folder, "list")).close()).toThrow(/can't be listed there/);
  expect(existsSync(join(folder, "list"))).toBe(true);
});

test("a row a line, in place of an earlier list", () => {
  const path = join(folder, "list");
  writeFileSync(path, "old\n".repeat(10_000));
  const file = new RejectedFile(path);
  for (let line = 1; line <= 2_000; line += 1) file.add(rowOf(line));
  file.close();
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((text) => JSON.parse(text) as unknown)).toEqual(
    Array.from({ length: 2_000 }, (_, index) => rowOf(index + 1)),
  );
  expect(file.first?.line).toBe(1);
});

test("with nothing rejected an earlier list goes", () => {
  const path = join(folder, "list");
  writeFileSync(path, "old\n");
  new RejectedFile(path).close();
  expect(existsSync(path)).toBe(false);
});
