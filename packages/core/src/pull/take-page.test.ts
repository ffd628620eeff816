import { describe, expect, test } from "vitest";
import type { Seq, StoredRecord } from "../record.ts";
import { type PageLimits, takePage } from "./take-page.ts";
import { stored } from "../../testing/samples.ts";

const rowsOf = (...seqs: readonly Seq[]): StoredRecord[] =>
  seqs.map((seq) => stored({ key: `k${seq}`, seq }));

const limits = (parts: Partial<PageLimits> = {}): PageLimits => ({
  recordsMax: 1_000,
  bytesMax: Number.POSITIVE_INFINITY,
  bytesOf: () => 10,
  told: new Set(),
  ...parts,
});

const seqsOf = (page: { readonly records: readonly StoredRecord[] }): Seq[] =>
  page.records.map((record) => record.seq);

describe("a page with no room", () => {
  const rows = rowsOf(3, 4, 8, 9, 12);

  test.each([
    [1, [3], true, 3],
    [2, [3, 4], true, 4],
    [3, [3, 4, 8], true, 8],
    [4, [3, 4, 8, 9], true, 9],
    [5, [3, 4, 8, 9, 12], false, 12],
    [6, [3, 4, 8, 9, 12], false, 12],
  ])("[PULL-3] [PULL-7] limit %i of 5 records", (recordsMax, seqs, more, lastSeq) => {
    const page = takePage(2, rows, limits({ recordsMax }));
    expect(seqsOf(page)).toEqual(seqs);
    expect(page.more).toBe(more);
    expect(page.lastSeq).toBe(lastSeq);
  });

  test.each([
    [0, 1],
    [9, 1],
    [10, 1],
    [19, 1],
    [20, 2],
    [21, 2],
    [29, 2],
    [30, 3],
    [49, 4],
    [50, 5],
  ])("[PULL-3] %i bytes, records of 10: %i", (bytesMax, count) => {
    const page = takePage(2, rows, limits({ bytesMax }));
    expect(page.records).toEqual(rows.slice(0, count));
    expect(page.more).toBe(count < 5);
    expect(page.lastSeq).toBe(rows[count - 1]?.seq);
  });

  test("[PULL-3] a record that alone passes the limit is a page", () => {
    const bytesOf = (record: StoredRecord): number => (record.seq === 4 ? 1_000 : 10);
    const page = (after: Seq) =>
      takePage(
        after,
        rows.filter((row) => row.seq > after),
        limits({ bytesMax: 50, bytesOf }),
      );
    expect(seqsOf(page(2))).toEqual([3]);
    expect(seqsOf(page(3))).toEqual([4]);
    expect(seqsOf(page(4))).toEqual([8, 9, 12]);
  });

  test("nothing is read beyond the record that does not fit", () => {
    const read: Seq[] = [];
    function* lazily(): Generator<StoredRecord> {
      for (const row of rows) {
        read.push(row.seq);
        yield row;
      }
    }
    takePage(2, lazily(), limits({ recordsMax: 2 }));
    expect(read).toEqual([3, 4, 8]);
  });
});

describe("a page of nothing", () => {
  test("[PULL-7] stays where it was and says that nothing is left", () => {
    expect(takePage(7, [], limits())).toEqual({ records: [], more: false, lastSeq: 7 });
  });

  test("[PULL-4] moves past what was told", () => {
    const told = new Set([8, 9]);
    expect(takePage(7, rowsOf(8, 9), limits({ told }))).toEqual({
      records: [],
      more: false,
      lastSeq: 9,
    });
  });
});

describe("records that results told", () => {
  const rows = rowsOf(1, 2, 3, 4, 5, 6);

  test("[PULL-4] are left out and counted neither as records nor as bytes", () => {
    const told = new Set([1, 3, 4]);
    for (const room of [{ recordsMax: 2 }, { bytesMax: 20 }]) {
      const page = takePage(0, rows, limits({ ...room, told }));
      expect(seqsOf(page)).toEqual([2, 5]);
      expect(page.more).toBe(true);
      expect(page.lastSeq).toBe(5);
    }
  });

  test("[PULL-4] the page moves past those behind its last record", () => {
    const page = takePage(0, rows, limits({ recordsMax: 2, told: new Set([3, 4, 5]) }));
    expect(seqsOf(page)).toEqual([1, 2]);
    expect(page).toMatchObject({ more: true, lastSeq: 5 });
  });

  test("[PULL-7] nothing is left where all the rest was told", () => {
    const page = takePage(0, rows, limits({ recordsMax: 2, told: new Set([3, 4, 5, 6]) }));
    expect(seqsOf(page)).toEqual([1, 2]);
    expect(page).toMatchObject({ more: false, lastSeq: 6 });
  });

  test("[PULL-4] other seqs, the 0 of a purged delete included, leave nothing out", () => {
    const page = takePage(0, rows, limits({ told: new Set([0, 7, 99]) }));
    expect(seqsOf(page)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
