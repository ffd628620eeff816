import fc from "fast-check";
import { expect, test } from "vitest";
import { compareCodePoints, countCodePoints, isStorableText, utf8Length } from "./unicode.ts";

const run = { seed: 20_261_124, numRuns: 3_000 };

/** Well-formed text around the edges where UTF-16 and UTF-8 part. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom("a", "b", "\u007f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd"),
    fc.constantFrom("\uffff", "\u{10000}", "\u{103ff}", "\u{1f600}", "\u{10ffff}"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 8,
});

const units = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0xd83d, 0xde00, 0x61)),
  { maxLength: 8 },
);

test("[DATA-18] the order is the byte order of UTF-8", () => {
  // Pairs with a common beginning, so that the comparison gets somewhere.
  fc.assert(
    fc.property(text, text, text, (head, a, b) => {
      const expected = Math.sign(Buffer.compare(Buffer.from(head + a), Buffer.from(head + b)));
      expect(Math.sign(compareCodePoints(head + a, head + b))).toBe(expected);
    }),
    run,
  );
});

test("[DATA-3] the length in bytes is the encoder's", () => {
  fc.assert(
    fc.property(text, (any) => {
      expect(utf8Length(any)).toBe(Buffer.byteLength(any));
    }),
    run,
  );
});

test("[DATA-3] code points are counted as iteration counts them, lone surrogates included", () => {
  fc.assert(
    fc.property(units, (codes) => {
      const any = String.fromCharCode(...codes);
      expect(countCodePoints(any)).toBe(Array.from(any).length);
    }),
    run,
  );
});

test("[DATA-13] what can be stored comes back from UTF-8 and holds no U+0000", () => {
  fc.assert(
    fc.property(units, (codes) => {
      const any = String.fromCharCode(...codes);
      const isKept = Buffer.from(any).toString() === any && !codes.includes(0);
      expect(isStorableText(any)).toBe(isKept);
    }),
    run,
  );
});
