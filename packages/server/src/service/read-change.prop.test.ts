import { defaultLimits, createChangeSchema, createChecker } from "@synchro/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import { systemRuntime } from "../system-runtime.ts";
import { readChange } from "./read-change.ts";

const run = { seed: 20_261_124, numRuns: 5_000 };

const limits = { ...defaultLimits, labelLengthMax: 8 };
// Takes every object, so that only the form of the change is judged.
const registry = createCollectionRegistry({ open: { schema: { type: "object" } } });
const check = createChecker(createChangeSchema(limits));
const reading = {
  registry,
  limits,
  collections: null,
  subject: null,
  sha256: systemRuntime.sha256,
};

const noText = fc.constantFrom<unknown>(null, 1, true, [], {});
const member = (...values: readonly fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
  fc.oneof({ maxDepth: 1 }, ...values, noText);

const keys = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom(
    "k".repeat(250),
    "k".repeat(251),
    "\u{1F600}".repeat(250),
    "\u{1F600}".repeat(251),
  ),
  // Combining marks: one for the eye, two code points.
  fc.constantFrom("e\u0301".repeat(125), "e\u0301".repeat(126), "\ud83d\udc69\u200d\ud83d\udc67"),
  // 999, 1,000 and 1,002 bytes.
  fc.constantFrom(
    "\u20ac".repeat(249),
    `${"\u{1F600}".repeat(249)}\u{1F601}`,
    `${"\u{1F600}".repeat(249)}aa`,
  ),
);
const stamps = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    "2026-11-24T10:00:00Z",
    "2026-11-24T10:00:00.123456Z",
    "2026-11-24T10:00:00.1234567Z",
    "2026-11-24T10:00:00.Z",
    "2026-02-29T10:00:00Z",
    "2024-02-29T10:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "2026-11-24T24:00:00Z",
    "2026-11-24T23:59:60Z",
    "2026-11-24t10:00:00z",
    "2026-11-24T10:00:00+00:00",
    " 2026-11-24T10:00:00Z",
    "2026-11-24T10:00:00Z\n",
  ),
);
const bases = fc.oneof(fc.nat(), fc.constantFrom(-1, -0, 0.5, 2 ** 53 - 1, 2 ** 53, 1e21, "1"));
const authors = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 10 }),
  fc.constantFrom(
    "",
    "\u{1F600}".repeat(8),
    "\u{1F600}".repeat(9),
    "e\u0301".repeat(4),
    "e\u0301".repeat(5),
  ),
);
const valid = {
  collection: fc.constant("open"),
  key: fc.constant("k"),
  updated_at: fc.constant("2026-11-24T10:00:00Z"),
};

/** Mostly right in all members but some, so that each rule decides often enough. */
const changes = fc.record(
  {
    collection: fc.oneof(
      { arbitrary: valid.collection, weight: 6 },
      { arbitrary: noText, weight: 1 },
    ),
    key: fc.oneof({ arbitrary: valid.key, weight: 2 }, { arbitrary: member(keys), weight: 2 }),
    updated_at: fc.oneof(
      { arbitrary: valid.updated_at, weight: 2 },
      { arbitrary: member(stamps), weight: 2 },
    ),
    base: member(bases),
    author: member(authors),
    value: fc.oneof(
      { arbitrary: fc.constantFrom({}, { a: 1 }, { a: { _b: [] } }), weight: 4 },
      { arbitrary: noText, weight: 1 },
    ),
    deleted: fc.constantFrom<unknown>(true, false, null, 1, "true"),
    unknown: fc.anything({ withBigInt: false, maxDepth: 1 }),
  },
  { requiredKeys: [] },
);

const likelyChanges = fc
  .tuple(changes, fc.constantFrom("base", "author", "deleted", "value", "none"))
  .map(([change, only]) => ({
    collection: "open",
    key: "k",
    updated_at: "2026-11-24T10:00:00Z",
    ...(only === "value" || only === "deleted" ? {} : { value: {} }),
    ...(only === "none"
      ? change
      : Object.hasOwn(change, only)
        ? { [only]: change[only as "base"] }
        : {}),
  }));

// What JSON can't write can't be sent.
const sent = fc
  .oneof(changes, likelyChanges, fc.anything({ maxDepth: 1 }))
  .map((change): unknown => {
    try {
      return JSON.parse(JSON.stringify(change) ?? "null");
    } catch {
      return null;
    }
  });

test("[DATA-8] [PUSH-4] a change is refused by its reader if and only if it breaks the documented schema", () => {
  const counts = { read: 0, refused: 0 };
  fc.assert(
    fc.property(sent, (change) => {
      const got = readChange(reading, change, undefined);
      const isRead = got.kind === "write";
      counts[isRead ? "read" : "refused"] += 1;
      const checked = check(change);
      expect([isRead, got]).toEqual([checked.kind === "ok", got]);
    }),
    run,
  );
  // Neither side of the rule was left out.
  expect(counts.read).toBeGreaterThan(run.numRuns / 10);
  expect(counts.refused).toBeGreaterThan(run.numRuns / 10);
});

test("[PUSH-4] [PUSH-5] whatever is sent gets one answer, with a path that names something", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (change) => {
      const got = readChange(reading, change, undefined);
      if (got.kind !== "refused") return;
      expect(got.rejection.path).toMatch(
        /^(\/(collection|key|updated_at|base|author|value|deleted)(\/.*)?)?$/,
      );
      expect(got.body).toBe(JSON.stringify(change));
    }),
    run,
  );
});
