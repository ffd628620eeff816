import { describe, expect, test } from "vitest";
import { planPush } from "./plan-push.ts";
import { assign, at, NOON, pushInput, type SamplePush, stored } from "../../testing/samples.ts";
import { sha256 } from "../../testing/sha256.ts";
import { recordSum } from "../digest.ts";
import { addMicros } from "../stamp.ts";

const plan = (sample: SamplePush) => planPush(pushInput({ checksClocks: false, ...sample }));
const EARLIER = addMicros(NOON, -1);
const LATER = addMicros(NOON, 1);
const date = (day: string) => ({ expiration_date: day });

describe("a /v1 write", () => {
  test("[V1-7] creates an absent record from its members alone", () => {
    const pushed = plan({ changes: [assign(date("2026-12-01"))] });
    expect(pushed.results).toEqual([{ kind: "applied", seq: 1 }]);
    expect(pushed.writes[0]?.after.value).toBe('{"expiration_date":"2026-12-01"}');
    expect(pushed.evidence).toEqual([]);
  });

  test("[V1-8] [V1-13] replaces an older one and keeps its other members", () => {
    const record = stored({ seq: 3, value: '{"gtin":"a","expiration_date":"x","note":{"n":[1]}}' });
    const changes = [assign(date("2026-12-01"), { stamp: LATER })];
    const pushed = plan({ records: [record], changes });
    expect(pushed.results).toEqual([{ kind: "applied", seq: 4 }]);
    expect(JSON.parse(pushed.writes[0]?.after.value ?? "")).toEqual({
      gtin: "a",
      expiration_date: "2026-12-01",
      note: { n: [1] },
    });
    expect(pushed.writes[0]?.after.stamp).toBe(LATER);
  });

  test("[V1-25] keeps the version that it replaces, as it names no base", () => {
    const record = stored({ seq: 3, value: '{"expiration_date":"x"}' });
    const changes = [assign(date("2026-12-01"), { stamp: LATER })];
    const pushed = plan({ records: [record], changes });
    expect(pushed.evidence).toMatchObject([{ reason: "overwritten", value: record.value }]);
  });

  test("[V1-9] [V1-25] loses to a newer one, whole as it would have been", () => {
    const record = stored({ seq: 3, value: '{"expiration_date":"x","note":"n"}' });
    const changes = [assign(date("2026-12-01"), { stamp: EARLIER })];
    const pushed = plan({ records: [record], changes });
    expect(pushed.results).toEqual([{ kind: "superseded", seq: 3 }]);
    expect(pushed.lostTo).toEqual([record]);
    expect(pushed.evidence).toMatchObject([
      { reason: "superseded", value: '{"expiration_date":"2026-12-01","note":"n"}' },
    ]);
  });

  test("[V1-10] is the same at an equal stamp and equal members, whatever else the record has", () => {
    const record = stored({ seq: 3, value: '{"note":"n","expiration_date":"2026-12-01"}' });
    const pushed = plan({ records: [record], changes: [assign(date("2026-12-01"))] });
    expect(pushed.results).toEqual([{ kind: "applied", seq: 3 }]);
    expect(pushed.writes).toEqual([]);
    expect(pushed.evidence).toEqual([]);
  });

  test("[V1-11] loses at an equal stamp and other content", () => {
    const record = stored({ seq: 3, value: '{"expiration_date":"2026-12-02"}' });
    const pushed = plan({ records: [record], changes: [assign(date("2026-12-01"))] });
    expect(pushed.results).toEqual([{ kind: "superseded", seq: 3 }]);
  });

  test("[V1-17] creates again over an older tombstone, from nothing, and loses to a newer one", () => {
    const tombstone = stored({ seq: 3, value: null });
    const newer = [assign(date("2026-12-01"), { stamp: LATER })];
    const created = plan({ records: [tombstone], changes: newer });
    expect(created.results).toEqual([{ kind: "applied", seq: 4 }]);
    expect(created.writes[0]?.after.value).toBe('{"expiration_date":"2026-12-01"}');
    expect(created.evidence).toEqual([]);

    for (const stamp of [EARLIER, NOON]) {
      const lost = plan({
        records: [tombstone],
        changes: [assign(date("2026-12-01"), { stamp })],
      });
      expect(lost.results).toEqual([{ kind: "superseded", seq: 3 }]);
      expect(lost.writes).toEqual([]);
    }
  });
});

describe("the same gtin twice in a request", () => {
  test("[V1-12] changes the record once: one write, one seq, the later content", () => {
    const record = stored({ seq: 3, value: '{"expiration_date":"x","note":"n"}' });
    const changes = [
      assign(date("2026-12-01"), { stamp: LATER }),
      assign(date("2027-01-01"), { key: "b", stamp: LATER }),
      assign(date("2026-12-02"), { stamp: addMicros(LATER, 1) }),
    ];
    const pushed = plan({ records: [record], changes });
    expect(pushed.results).toEqual([
      { kind: "applied", seq: 4 },
      { kind: "applied", seq: 5 },
      { kind: "applied", seq: 4 },
    ]);
    expect(pushed.writes.map(({ before, after }) => [before?.seq, after.key, after.seq])).toEqual([
      [3, "a", 4],
      [undefined, "b", 5],
    ]);
    expect(pushed.writes[0]?.after.value).toBe('{"expiration_date":"2026-12-02","note":"n"}');
    expect(pushed.state.head).toBe(5);
  });

  test("[V1-12] the digest holds its last version, once", () => {
    const changes = [assign(date("2026-12-01")), assign(date("2026-12-02"), { stamp: LATER })];
    const pushed = plan({ changes });
    const after = stored({ seq: 1 });
    expect([...pushed.state.digests]).toEqual([
      ["readings", { count: 1, sum: recordSum(sha256, after) }],
    ]);
  });

  test("[V1-25] the earlier content is evidence", () => {
    const changes = [assign(date("2026-12-01")), assign(date("2026-12-02"), { stamp: LATER })];
    expect(plan({ changes }).evidence).toMatchObject([
      { reason: "overwritten", stamp: NOON, value: '{"expiration_date":"2026-12-01"}' },
    ]);
  });

  test("[V1-12] the later in the list loses where its stamp is older", () => {
    const changes = [assign(date("2026-12-01")), assign(date("2026-12-02"), { stamp: EARLIER })];
    const pushed = plan({ changes });
    expect(pushed.results).toEqual([
      { kind: "applied", seq: 1 },
      { kind: "superseded", seq: 1 },
    ]);
    expect(pushed.writes[0]?.after.value).toBe('{"expiration_date":"2026-12-01"}');
    // What beat it stands in its version after this push.
    expect(pushed.lostTo).toEqual([pushed.writes[0]?.after]);
  });

  test("[PUSH-3] a record that beat one change and was replaced by the next is told as it stands", () => {
    const record = stored({ seq: 3 });
    const changes = [
      assign(date("2026-12-01"), { stamp: EARLIER }),
      assign(date("2026-12-02"), { stamp: LATER }),
    ];
    const pushed = plan({ records: [record], changes });
    expect(pushed.results).toEqual([
      { kind: "superseded", seq: 3 },
      { kind: "applied", seq: 4 },
    ]);
    expect(pushed.lostTo).toEqual([pushed.writes[0]?.after]);
  });
});

test("[V1-13] a member called __proto__ is a member, and no prototype", () => {
  const record = stored({ seq: 3, value: '{"__proto__":{"a":1},"expiration_date":"x"}' });
  const changes = [assign(date("2026-12-01"), { stamp: at("2026-11-25T00:00:00Z") })];
  const pushed = plan({ records: [record], changes });
  expect(pushed.writes[0]?.after.value).toBe(
    '{"__proto__":{"a":1},"expiration_date":"2026-12-01"}',
  );
});
