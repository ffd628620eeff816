import fc from "fast-check";
import { expect, test } from "vitest";
import { type EpochEntry, EPOCHS_MAX, isPositionValid, listEpoch } from "./epoch.ts";
import { epochOf } from "../testing/samples.ts";

/**
 * One life after another: `write` commits so many changes, `reopen` draws an epoch that is listed at
 * the next write, `restore` goes back to an earlier moment under a new epoch that is listed at once.
 */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const), to: fc.nat() }) },
);

/** A moment of the store: what was written in order, by name, and what a cursor at the head would say. */
type Moment = { readonly log: readonly number[]; readonly epochs: readonly EpochEntry[] };

test("[EPOCH-3] a position is valid if and only if what it saw is a prefix of what is there", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let epoch = epochOf("e0");
      let opened = 0;
      let written = 0;
      let now: Moment = { log: [], epochs: listEpoch([], epoch, 0) };
      const moments: Moment[] = [now];
      const reopen = (): void => {
        opened += 1;
        epoch = epochOf(`e${opened}`);
      };
      for (const next of steps) {
        if (next.do === "reopen") reopen();
        else if (next.do === "restore") {
          reopen();
          const copy = moments[next.to % moments.length] ?? now;
          now = { log: copy.log, epochs: listEpoch(copy.epochs, epoch, copy.log.length) };
        } else {
          const epochs = listEpoch(now.epochs, epoch, now.log.length);
          const added = Array.from({ length: next.count }, (_, index) => written + index);
          written += next.count;
          now = { log: [...now.log, ...added], epochs };
        }
        moments.push(now);
      }
      for (const { log, epochs } of moments) {
        const last = epochs.at(-1);
        if (last === undefined) continue;
        for (let seq = 0; seq <= log.length; seq += 1) {
          const isPrefix = log.slice(0, seq).every((name, index) => now.log[index] === name);
          const isListed = now.epochs.some((entry) => entry.epoch === last.epoch);
          const isValid = isPositionValid(now.epochs, now.log.length, { epoch: last.epoch, seq });
          // An epoch that only a lost life listed is unknown here, whatever its cursors saw.
          expect(isValid).toBe(isListed && isPrefix);
        }
      }
    }),
    { seed: 20_261_124, numRuns: 500 },
  );
});

test("[EPOCH-6] any number of openings keeps the last 200", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 450 }), (openings) => {
      let epochs: readonly EpochEntry[] = [];
      for (let opening = 0; opening < openings; opening += 1) {
        epochs = listEpoch(epochs, epochOf(`e${opening}`), opening);
      }
      expect(epochs.map((entry) => entry.epoch)).toEqual(
        Array.from({ length: openings }, (_, opening) => `e${opening}`).slice(-EPOCHS_MAX),
      );
    }),
    { seed: 20_261_124, numRuns: 50 },
  );
});
