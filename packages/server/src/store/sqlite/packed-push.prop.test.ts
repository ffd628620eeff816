import type { ChangeResult, PushChange } from "@synchro/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  assign,
  at,
  batches,
  readings,
  refused,
  space,
  start,
  write,
} from "../store-harness.contract.ts";
import { packRequest, packResult, unpackRequest, unpackResult } from "./packed-push.ts";
import type { WriteRequest, WriteResult } from "./write-request.ts";

const text = fc.string({ unit: "grapheme", maxLength: 8 });

const change: fc.Arbitrary<PushChange> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        key: text,
        collection: fc.constantFrom(readings, batches),
        micros: fc.nat(),
        value: fc.option(fc.dictionary(text, text), { nil: null }),
        base: fc.option(fc.nat(), { nil: null }),
        author: fc.option(fc.record({ name: text, verified: fc.boolean() }), { nil: null }),
        fieldState: fc.option(text, { nil: null }),
      })
      .map(({ key, micros, value, ...more }) => write(key, at(micros), value, more)),
  },
  fc.tuple(text, fc.nat()).map(([key, micros]) => assign(key, at(micros), { key })),
  fc.option(text, { nil: null }).map((body) => refused("bad_key", body)),
);

const result: fc.Arbitrary<ChangeResult> = fc.oneof(
  fc.nat().map((seq) => ({ kind: "applied" as const, seq })),
  fc.nat().map((seq) => ({ kind: "superseded" as const, seq })),
  fc.nat().map((seq) => ({ kind: "merged" as const, seq })),
  fc.constant({
    kind: "rejected" as const,
    rejection: { code: "stale" as const, message: "", path: "", stored: null },
  }),
);

const assertions = { seed: 20_261_124, numRuns: 300 };

test("a request crosses to the writer's thread unaltered", () => {
  fc.assert(
    fc.property(
      fc.array(change),
      fc.boolean(),
      fc.option(text, { nil: null }),
      (changes, checksClocks, clientId) => {
        const request: WriteRequest = {
          kind: "push",
          push: { space, changes, checksClocks, clientId, now: start },
        };
        expect(unpackRequest(structuredClone(packRequest(request)))).toEqual(request);
      },
    ),
    assertions,
  );
});

test("so does its outcome on the way back, and what is neither a push nor committed", () => {
  const lostTo = [
    {
      collection: readings,
      key: "a",
      seq: 1,
      stamp: at(1),
      value: null,
      fieldState: '"life":2,"stamps":{}',
      author: null,
    },
  ];
  fc.assert(
    fc.property(fc.array(result), fc.nat(), (results, changed) => {
      const pushed: WriteResult = {
        kind: "pushed",
        outcome: {
          kind: "committed",
          results,
          lostTo,
          position: { epoch: "e" as never, seq: 7 },
          changed,
        },
      };
      expect(unpackResult(structuredClone(packResult(pushed)))).toEqual(pushed);
    }),
    assertions,
  );
  const others: readonly WriteResult[] = [
    { kind: "full" },
    { kind: "purged", step: { purged: 3, floor: 9, next: { collection: readings, afterSeq: 9 } } },
    { kind: "failed", error: new Error("no") },
  ];
  for (const other of others) {
    expect(unpackResult(structuredClone(packResult(other)))).toEqual(other);
  }
  const purge: WriteRequest = {
    kind: "purge",
    space,
    cutoff: at(1),
    from: { collection: readings, afterSeq: 4 },
  };
  expect(unpackRequest(structuredClone(packRequest(purge)))).toEqual(purge);
});
