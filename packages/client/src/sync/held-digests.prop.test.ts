import { hash } from "node:crypto";
import { type CollectionName, formatSum, recordSum, type Stamp } from "@synchro/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HeldRecord } from "../store/held-record.ts";
import { HeldDigests } from "./held-digests.ts";

const sha256 = (text: string): Uint8Array => Buffer.from(hash("sha256", text, "hex"), "hex");
const stamp = "2026-11-24T10:00:00.000000Z" as Stamp;

const name = (text: string): CollectionName => text as CollectionName;

const recompute = (held: readonly HeldRecord[], collection: string) => {
  const live = held.filter((record) => record.collection === collection && record.value !== null);
  const sum = live.reduce((total, record) => total + recordSum(sha256, record), 0n);
  return { count: live.length, sum: formatSum(BigInt.asUintN(64, sum)) };
};

const step = fc.record({
  collection: fc.constantFrom(name("a"), name("b")),
  key: fc.constantFrom("x", "y", "z"),
  what: fc.constantFrom("write", "bury", "remove", "reopen", "begin"),
});

describe("digests that are kept along", () => {
  test("[CLIENT-24] are those of what is held, whatever came and went, and survive a reopening", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let digests = new HeldDigests({}, sha256);
        const held = new Map<string, HeldRecord>();
        let seq = 0;
        let generation = 1;
        for (const { collection, key, what } of steps) {
          if (what === "reopen") digests = new HeldDigests(digests.toMeta(), sha256);
          if (what === "begin") {
            generation += 1;
            digests.beginGeneration();
          }
          if (what === "reopen" || what === "begin") continue;
          const id = `${collection}/${key}`;
          const before = held.get(id) ?? null;
          seq += 1;
          const value = what === "bury" ? null : "{}";
          const after =
            what === "remove"
              ? null
              : { collection, key, seq, stamp, value, author: null, mark: generation };
          if (after === null) held.delete(id);
          else held.set(id, after);
          digests.replace(before, after, generation);
        }
        const all = [...held.values()];
        const collections = { a: recompute(all, "a"), b: recompute(all, "b") };
        expect(digests.compare({ at: seq, collections })).toEqual([]);
        const off = { ...collections, a: { ...collections.a, count: collections.a.count + 1 } };
        expect(digests.compare({ at: seq, collections: off })).toEqual(["a"]);
      }),
      { seed: 20_261_124 },
    );
  });

  test("[CLIENT-24] a collection of which more is held than the snapshot had is not compared", () => {
    const digests = new HeldDigests({}, sha256);
    const record = { key: "x", stamp, value: null, author: null, mark: 1 };
    digests.replace(null, { ...record, collection: name("a"), seq: 5 }, 1);
    const collections = {
      a: { count: 9, sum: "0000000000000000" },
      b: { count: 0, sum: "0".repeat(16) },
    };
    expect(digests.compare({ at: 5, collections })).toEqual(["a"]);
    expect(digests.compare({ at: 4, collections })).toEqual([]);
    expect([...digests.collectionsAbove({ at: 4, collections })]).toEqual(["a"]);
    const { a } = collections;
    expect(digests.compare({ at: 4, collections: { a } })).toBeNull();
    digests.beginGeneration();
    expect(digests.compare({ at: 4, collections: { a } })).toEqual(["a"]);
  });
});
