import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { readText } from "./read-text.ts";

const bytesOf = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const read = async (bytes: Uint8Array, length = 5): Promise<string> =>
  (await collect(readText(inPieces(bytes, length)))).join("");

describe("bytes that are not UTF-8 end the reading at their line", () => {
  test.each([
    ["Windows-1252", bytesOf("a\nb\nGr", [0xfc], "n\n"), 3],
    ["a lone continuation", bytesOf([0x80], "\n"), 1],
    ["a surrogate", bytesOf("a\n", [0xed, 0xa0, 0x80]), 2],
    ["a character cut at the end", bytesOf("a\nb\n", [0xe2, 0x82]), 3],
    ["UTF-16", bytesOf([0xff, 0xfe, 0x61, 0x00]), 1],
  ])("%s", async (_, bytes, line) => {
    for (const length of [1, 2, 5, 1000]) {
      await expect(read(bytes, length)).rejects.toThrow(
        `line ${line}: is not UTF-8: save the file in that encoding`,
      );
    }
  });
});

test("a byte order mark at the beginning is left out, and nowhere else", async () => {
  expect(await read(bytesOf("\uFEFFkey\uFEFF\n"), 1)).toBe("key\uFEFF\n");
});

test("text comes out as it went in, wherever it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme" }).filter((text) => !text.startsWith("\uFEFF")),
      fc.integer({ min: 1, max: 7 }),
      async (text, length) => {
        expect(await read(Buffer.from(text), length)).toBe(text);
      },
    ),
    { seed: 20261124 },
  );
});
