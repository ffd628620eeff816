import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { readLines } from "./read-lines.ts";

async function* piecesOf(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

const read = (texts: readonly string[], lengthMax = 100) =>
  collect(readLines(piecesOf(texts), lengthMax));

const textsOf = async (texts: readonly string[], lengthMax = 100) =>
  (await read(texts, lengthMax)).map(({ text }) => text);

describe("a line that is too long", () => {
  test("has no text, keeps its number, and spoils no other", async () => {
    expect(await read(["ab\nabcdef\nabc\n"], 3)).toEqual([
      { number: 1, text: "ab" },
      { number: 2, text: null },
      { number: 3, text: "abc" },
    ]);
    expect(await textsOf(["abcdef"], 3)).toEqual([null]);
    expect(await textsOf(["abc", "d", "ef\nx"], 3)).toEqual([null, "x"]);
  });

  test("its end does not count", async () => {
    expect(await textsOf(["abc\r\nabc\r", "\nabc"], 3)).toEqual(["abc", "abc", "abc"]);
    expect(await textsOf(["abcd\r\n"], 3)).toEqual([null]);
  });

  test("takes no memory: a gigabyte of it passes", { timeout: 60_000 }, async () => {
    async function* endless(): AsyncGenerator<string> {
      const piece = "x".repeat(1024 * 1024);
      for (let count = 0; count < 1024; count += 1) yield piece;
      yield "\nok";
    }
    const lines = await collect(readLines(endless(), 1000));
    expect(lines).toEqual([
      { number: 1, text: null },
      { number: 2, text: "ok" },
    ]);
  });
});

test("lines end with LF or CRLF, and the last may have no end", async () => {
  expect(await textsOf(["a\nb\r\n\nc"])).toEqual(["a", "b", "", "c"]);
  expect(await textsOf(["a\rb\n"])).toEqual(["a\rb"]);
  expect(await textsOf([])).toEqual([]);
});

test("where the text is cut makes no difference", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r"), maxLength: 6 })),
      async (pieces) => {
        expect(await read(pieces, 4)).toEqual(await read([pieces.join("")], 4));
      },
    ),
    { seed: 20261124 },
  );
});
