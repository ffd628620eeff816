import fc from "fast-check";
import { expect, test } from "vitest";
import type { Seq } from "../record.ts";
import { takePage } from "./take-page.ts";
import { stored } from "../../testing/samples.ts";

const rows = fc
  .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  .chain((seqs) =>
    fc.tuple(
      fc.constant(seqs.toSorted((a, b) => a - b)),
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: seqs.length, maxLength: seqs.length }),
    ),
  )
  .map(([seqs, sizes]) =>
    seqs.map((seq, index) => stored({ key: `k${seq}`, seq, value: "x".repeat(sizes[index] ?? 0) })),
  );

test("[PULL-3] [PULL-4] [PULL-7] pages of any size, put together, hold each record once, in order", () => {
  const told = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 20 });
  fc.assert(
    fc.property(
      rows,
      told,
      fc.integer({ min: 1, max: 45 }),
      fc.nat(120),
      (all, seqs, recordsMax, bytesMax) => {
        const limits = {
          recordsMax,
          bytesMax,
          bytesOf: (record: { readonly value: string | null }) => record.value?.length ?? 0,
          told: new Set<Seq>(seqs),
        };
        const read: Seq[] = [];
        let after: Seq = 0;
        for (let pages = 0; pages <= all.length + 1; pages += 1) {
          const page = takePage(
            after,
            all.filter((row) => row.seq > after),
            limits,
          );
          const bytes = page.records.reduce((sum, record) => sum + limits.bytesOf(record), 0);
          expect(page.records.length).toBeLessThanOrEqual(recordsMax);
          if (page.records.length > 1) expect(bytes).toBeLessThanOrEqual(bytesMax);
          if (page.more) expect(page.records.length).toBeGreaterThan(0);
          expect(page.lastSeq).toBeGreaterThanOrEqual(page.records.at(-1)?.seq ?? after);
          read.push(...page.records.map((record) => record.seq));
          after = page.lastSeq;
          if (!page.more) break;
        }
        expect(read).toEqual(all.map((row) => row.seq).filter((seq) => !limits.told.has(seq)));
        expect(after).toBe(all.at(-1)?.seq ?? 0);
      },
    ),
    { seed: 20_261_124, numRuns: 2_000 },
  );
});
