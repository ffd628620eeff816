import {
  type Author,
  type ChangeResult,
  type CollectionName,
  type Digest,
  encodeAck,
  encodeCursor,
  type Epoch,
  formatFieldState,
  formatStamp,
  formatSum,
  type JsonObject,
  LIFE_MAX,
  parseFieldState,
  recordKeyProblem,
  rejectionCodes,
  type Rejection,
  stampFromMillis,
  type StoredRecord,
} from "@synchro/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createChecker } from "./checker.ts";
import {
  type EncodablePage,
  type EncodableSyncAnswer,
  encodeNdjsonPage,
  encodePullAnswer,
  encodeStreamEvent,
  encodeSyncAnswer,
} from "./encode-answer.ts";
import { encodeEvent } from "./encode-event.ts";
import {
  type EncodableEvidence,
  type EncodableRejection,
  encodeEvidenceList,
  encodeHistoryList,
  encodeRejectionList,
} from "./encode-kept.ts";
import { encodeRecord } from "./encode-record.ts";
import type { WireChangeResult, WireRejection } from "./messages/change-result.ts";
import type { WireDigest } from "./messages/digest.ts";
import { evidenceListSchema, type WireEvidenceList } from "./messages/evidence-list.ts";
import { historyListSchema } from "./messages/history-list.ts";
import { type NdjsonLine, ndjsonLineSchema } from "./messages/ndjson-line.ts";
import { pullAnswerSchema, type StreamEvent, streamEventSchema } from "./messages/pull-answer.ts";
import { recordSchema, type WireRecord } from "./messages/record.ts";
import { rejectionListSchema, type WireRejectionList } from "./messages/rejection-list.ts";
import { syncAnswerSchema, type WireSyncAnswer } from "./messages/sync-answer.ts";
import type { SnapshotDigest } from "./encode-digest.ts";

fc.configureGlobal({ seed: 20_261_124, numRuns: 300 });

// As hostile as the data rules let through: every plane, quotes, controls, line separators.
const unit = fc.oneof(
  fc.constantFrom('"', "\\", "\n", "\r", "\t", "\u007F", "\u2028", "/", "<", "\u{1F600}"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
);
const text = fc.string({ unit }).filter((value) => !value.includes("\u0000"));
const key = text.filter((value) => recordKeyProblem(value) === null);
const collection = fc
  .stringMatching(/^[a-z][a-z0-9_-]{0,62}$/)
  .map((name) => name as CollectionName);
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const stamp = fc
  .double({ min: -62_135_596_800_000, max: 253_402_300_799_999, noNaN: true })
  .map(stampFromMillis);
const value = fc
  .jsonValue({ stringUnit: "binary", maxDepth: 3 })
  .map((member): JsonObject => ({ member: JSON.parse(JSON.stringify(member)) }));
const author: fc.Arbitrary<Author | null> = fc.option(
  fc.record({ name: text, verified: fc.boolean() }),
);
const versionParts = {
  collection,
  key,
  stamp,
  value: fc.option(value.map((data) => JSON.stringify(data))),
  author,
};
const fieldState = fc
  .record({
    life: fc.integer({ min: 1, max: LIFE_MAX }),
    stamps: fc
      .dictionary(text, stamp, { maxKeys: 3 })
      .map((stamps) => new Map(Object.entries(stamps))),
  })
  .map(formatFieldState);
const record: fc.Arbitrary<StoredRecord> = fc.record({
  ...versionParts,
  seq,
  fieldState: fc.option(fieldState),
});
const records = fc.array(record, { maxLength: 5 });
const rejection: fc.Arbitrary<Rejection> = fc.oneof(
  fc.record({ code: fc.constantFrom(...rejectionCodes), message: text, path: text }),
  fc.record({
    code: fc.constant("stamp_ahead" as const),
    message: text,
    path: fc.constant("/updated_at"),
    stored: fc.option(stamp),
  }),
);
const result: fc.Arbitrary<ChangeResult> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("applied" as const, "merged" as const, "superseded" as const),
    seq,
  }),
  fc.record({ kind: fc.constant("rejected" as const), rejection }),
);
const epoch = fc.stringMatching(/^[0-9a-z]{1,12}$/).map((name) => name as Epoch);
const cursor = fc
  .record({
    epoch,
    seq,
    start: fc.option(seq),
    collections: fc.option(fc.array(collection, { minLength: 1, maxLength: 3 })),
  })
  .map(encodeCursor);
const digest: fc.Arbitrary<SnapshotDigest> = fc.record({
  at: fc.nat(),
  collections: fc
    .uniqueArray(
      fc.tuple(
        collection,
        fc.record({ count: fc.nat(), sum: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
      ),
      { maxLength: 4, selector: ([name]) => name },
    )
    .map((entries): ReadonlyMap<CollectionName, Digest> => new Map(entries)),
});
const page: fc.Arbitrary<EncodablePage> = fc.record({
  reset: fc.constantFrom(null, "offer" as const, "drop" as const),
  more: fc.boolean(),
  cursor: fc.option(cursor),
  digest: fc.option(digest),
  records,
});

/** The same things as plain objects, by the protocol's page and not by the encoder. */
const plainVersion = (version: Omit<StoredRecord, "seq" | "fieldState">) => ({
  collection: version.collection as string,
  key: version.key,
  updated_at: formatStamp(version.stamp),
  ...(version.author === null
    ? {}
    : version.author.verified
      ? { author: version.author.name }
      : { author_unverified: version.author.name }),
});
const plainContent = (version: { readonly value: string | null }) =>
  version.value === null
    ? { deleted: true as const }
    : { value: JSON.parse(version.value) as JsonObject };
const plainFieldState = (state: string | null) => {
  if (state === null) return {};
  const { life, stamps } = parseFieldState(state);
  const wire = [...stamps].map(([field, at]) => [field, formatStamp(at)] as const);
  return { life, stamps: Object.fromEntries(wire) };
};
const plainRecord = (stored: StoredRecord): WireRecord => ({
  ...plainVersion(stored),
  ...plainContent(stored),
  ...plainFieldState(stored.fieldState),
  seq: stored.seq,
});
const plainRejection = ({ stored, ...rest }: Rejection): WireRejection =>
  stored === undefined ? rest : { ...rest, stored: stored === null ? null : formatStamp(stored) };
const plainResult = (answer: ChangeResult): WireChangeResult => {
  if (answer.kind === "rejected") return { rejected: plainRejection(answer.rejection) };
  const { seq: known } = answer;
  if (answer.kind === "applied") return { seq: known };
  return answer.kind === "merged" ? { merged: known } : { superseded: known };
};
const plainDigest = ({ at, collections }: SnapshotDigest): WireDigest => ({
  at,
  collections: Object.fromEntries(
    Array.from(collections, ([name, { count, sum }]) => [name, { count, sum: formatSum(sum) }]),
  ),
});
const plainEnd = (end: Omit<EncodablePage, "records">) => ({
  cursor: end.cursor,
  more: end.more,
  ...(end.reset === null ? {} : { reset: end.reset }),
  ...(end.digest === null ? {} : { digest: plainDigest(end.digest) }),
});
const plainPage = (answer: EncodablePage): StreamEvent => ({
  ...plainEnd(answer),
  changes: answer.records.map(plainRecord),
});

const checks = {
  record: createChecker(recordSchema),
  syncAnswer: createChecker(syncAnswerSchema),
  pullAnswer: createChecker(pullAnswerSchema),
  streamEvent: createChecker(streamEventSchema),
  ndjsonLine: createChecker(ndjsonLineSchema),
  evidenceList: createChecker(evidenceListSchema),
  rejectionList: createChecker(rejectionListSchema),
  historyList: createChecker(historyListSchema),
};

const expectWire = (name: keyof typeof checks, encoded: string, plain: unknown): void => {
  const parsed: unknown = JSON.parse(encoded);
  expect(parsed).toEqual(plain);
  expect(checks[name](parsed)).toEqual({ kind: "ok", message: parsed });
};

describe("what is encoded by hand is the JSON of the plain message, and fits its schema", () => {
  test("record", () => {
    fc.assert(
      fc.property(record, (stored) =>
        expectWire("record", encodeRecord(stored), plainRecord(stored)),
      ),
    );
  });

  test("the value's text stands in a record as it is stored", () => {
    const stored = { value: '{"b":1.50,"a":"\\u0061"}', key: "k", seq: 1 };
    fc.assert(
      fc.property(record, (other) => {
        expect(encodeRecord({ ...other, ...stored })).toContain(`"value":${stored.value}`);
      }),
    );
  });

  test("sync answer", () => {
    const ack = fc.record({ epoch, seq }).map(encodeAck);
    const answer: fc.Arbitrary<EncodableSyncAnswer> = fc.record({
      now: stamp,
      push: fc.option(fc.record({ ack, results: fc.array(result, { maxLength: 5 }) })),
      pull: fc.option(page),
      records,
    });
    fc.assert(
      fc.property(answer, ({ now, push, pull, ...rest }) => {
        const plain: WireSyncAnswer = {
          ...(pull === null ? {} : plainEnd(pull)),
          ...(push === null ? {} : { ack: push.ack }),
          now: formatStamp(now),
          results: push?.results.map(plainResult) ?? [],
          changes: rest.records.map(plainRecord),
        };
        expectWire("syncAnswer", encodeSyncAnswer({ now, push, pull, ...rest }), plain);
      }),
    );
  });

  test("pull answer, and a stream's event", () => {
    fc.assert(
      fc.property(page, stamp, (answer, now) => {
        const plain = plainPage(answer);
        expectWire("pullAnswer", encodePullAnswer(answer, now), {
          ...plain,
          now: formatStamp(now),
        });
        expectWire("streamEvent", encodeStreamEvent(answer), plain);
      }),
    );
  });

  test("an event's data is one line of the stream, whatever the records hold", () => {
    fc.assert(
      fc.property(page, (answer) => {
        const data = encodeStreamEvent(answer);
        const id = answer.cursor ?? "";
        expect(encodeEvent({ id, data })).toBe(`id: ${id}\ndata: ${data}\n\n`);
      }),
    );
  });

  test("NDJSON: reset, records, cursor; `more` on the last line of an answer alone", () => {
    fc.assert(
      fc.property(page, fc.boolean(), (answer, isLast) => {
        const { cursor: at, more, digest: sums } = answer;
        const end = isLast ? { more, ...(sums === null ? {} : { digest: plainDigest(sums) }) } : {};
        const plain: NdjsonLine[] = [
          ...(answer.reset === null ? [] : [{ reset: answer.reset }]),
          ...answer.records.map(plainRecord),
          { cursor: at, ...end },
        ];
        const lines = encodeNdjsonPage(answer, isLast).split("\n");
        expect(lines.pop()).toBe("");
        expect(lines).toHaveLength(plain.length);
        for (const [index, line] of lines.entries()) expectWire("ndjsonLine", line, plain[index]);
      }),
    );
  });

  test("evidence, rejections and history", () => {
    const clientId = fc.option(text);
    const evidence: fc.Arbitrary<EncodableEvidence> = fc.record({
      ...versionParts,
      reason: fc.constantFrom("superseded" as const, "overwritten" as const),
      clientId,
      keptAt: stamp,
    });
    const body = fc.option(fc.oneof(value, fc.constant(null)).map((data) => JSON.stringify(data)));
    const kept: fc.Arbitrary<EncodableRejection> = fc.record({
      rejection,
      body,
      clientId,
      keptAt: stamp,
    });
    const ofKept = (item: EncodableEvidence | EncodableRejection) => ({
      client_id: item.clientId,
      kept_at: formatStamp(item.keptAt),
    });
    fc.assert(
      fc.property(fc.array(evidence), fc.array(kept), records, (lost, refused, versions) => {
        const plainLost: WireEvidenceList = {
          evidence: lost.map((item) => ({
            reason: item.reason,
            ...plainVersion(item),
            ...plainContent(item),
            ...ofKept(item),
          })),
        };
        expectWire("evidenceList", encodeEvidenceList(lost), plainLost);
        const plainRefused: WireRejectionList = {
          rejections: refused.map((item) => ({
            rejected: plainRejection(item.rejection),
            ...(item.body === null ? {} : { change: JSON.parse(item.body) as unknown }),
            ...ofKept(item),
          })),
        };
        expectWire("rejectionList", encodeRejectionList(refused), plainRefused);
        expectWire("historyList", encodeHistoryList(versions), {
          versions: versions.map(plainRecord),
        });
      }),
      { numRuns: 100 },
    );
  });
});
