import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CollectionName, collectionSet } from "./collection-name.ts";
import { decodeAck, decodeCursor, encodeAck, encodeCursor } from "./cursor.ts";
import type { Epoch } from "./epoch.ts";

const run = { seed: 20_261_124, numRuns: 2_000 };

const seq = fc.oneof(fc.nat(), fc.maxSafeNat());
const epoch = fc.stringMatching(/^[0-9a-f]{20}$/).map((text) => text as Epoch);
const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,62}$/).map((text) => text as CollectionName);
const position = fc.record(
  {
    epoch,
    seq,
    head: seq,
    start: fc.option(seq),
    collections: fc.option(fc.array(name, { maxLength: 64 }).map((names) => collectionSet(names))),
  },
  { requiredKeys: ["epoch", "seq", "start", "collections"] },
);

describe("any position", () => {
  test("[WORD-8] comes back from its cursor", () => {
    fc.assert(
      fc.property(position, (made) => {
        expect(decodeCursor(encodeCursor(made))).toEqual(made);
      }),
      run,
    );
  });

  test("[PULL-18] has a cursor and an ack that are safe in a URL and in a header", () => {
    fc.assert(
      fc.property(position, (made) => {
        for (const text of [encodeCursor(made), encodeAck(made)]) {
          expect(text).toMatch(/^[\w.~*-]+$/);
          expect(encodeURIComponent(text)).toBe(text);
        }
      }),
      run,
    );
  });

  test("[WORD-9] comes back from its ack", () => {
    fc.assert(
      fc.property(epoch, seq, (of, head) => {
        expect(decodeAck(encodeAck({ epoch: of, seq: head }))).toEqual({ epoch: of, seq: head });
      }),
      run,
    );
  });
});

describe("any text", () => {
  const near = fc.string({
    unit: fc.constantFrom(..."ac1e.-*~0123456789_ ".split("")),
    maxLength: 24,
  });
  const any = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    near,
    near.map((text) => `c1.e.${text}`),
    near.map((text) => `c1.e.1.-.${text}`),
    near.map((text) => `a1.e.${text}`),
  );

  test("[RESET-2] is invalid or the very text of the position read from it", () => {
    fc.assert(
      fc.property(any, (text) => {
        const cursor = decodeCursor(text);
        if (cursor !== "invalid") expect(encodeCursor(cursor)).toBe(text);
        const ack = decodeAck(text);
        if (ack !== "invalid") expect(encodeAck(ack)).toBe(text);
      }),
      { ...run, numRuns: 10_000 },
    );
  });
});
