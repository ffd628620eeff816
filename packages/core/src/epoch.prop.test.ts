import fc from "fast-check";
import { expect, test } from "vitest";
import { type EpochEntry, EPOCHS_MAX, isPositionValid, lifeOfSpace, listEpoch } from "./epoch.ts";
import { planPull } from "./pull/plan-pull.ts";
import { epochOf, spaceState } from "../testing/samples.ts";

/**
 * One stretch after another: `write` commits so many changes, `reopen` draws an epoch that is listed
 * at the next write, `restore` goes back to an earlier moment under a new epoch that is listed at
 * once; `isFinal` gives up what came after that moment.
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
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("restore" as const),
      to: fc.nat(),
      isFinal: fc.boolean(),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A moment of the store: what was written in order, by name, what is listed, and how many restores had been final. */
type Moment = {
  readonly log: readonly number[];
  readonly epochs: readonly EpochEntry[];
  readonly finals: number;
};

const drawn = (opening: number) => epochOf(`e${opening}`.padStart(20, "0"));

/** All moments of a history, the present one last. */
const play = (steps: readonly Step[]): readonly [Moment, ...Moment[]] => {
  let epoch = drawn(0);
  let opened = 0;
  let written = 0;
  let now: Moment = { log: [], epochs: listEpoch([], epoch, 0), finals: 0 };
  const moments: [Moment, ...Moment[]] = [now];
  for (const next of steps) {
    if (next.do !== "write") {
      opened += 1;
      epoch = drawn(opened);
    }
    if (next.do === "restore") {
      const copy = moments[next.to % moments.length] ?? now;
      // As `restore` does it: above both lives, so that a restore of what is older than the last
      // final one does not undo that.
      const life = Math.max(lifeOfSpace(copy.epochs), lifeOfSpace(now.epochs));
      const epochs = listEpoch(copy.epochs, epoch, copy.log.length, life + Number(next.isFinal));
      now = { log: copy.log, epochs, finals: now.finals + Number(next.isFinal) };
    } else if (next.do === "write") {
      const epochs = listEpoch(now.epochs, epoch, now.log.length);
      const added = Array.from({ length: next.count }, (_, index) => written + index);
      written += next.count;
      now = { ...now, log: [...now.log, ...added], epochs };
    }
    moments.push(now);
  }
  return moments;
};

const history = fc.array(step, { maxLength: 40 });
const run = { seed: 20_261_124, numRuns: 500 };

test("[EPOCH-3] a position is valid if and only if what it saw is a prefix of what is there", () => {
  fc.assert(
    fc.property(history, (steps) => {
      const moments = play(steps);
      const now = moments.at(-1) ?? moments[0];
      for (const { log, epochs } of moments) {
        const last = epochs.at(-1);
        if (last === undefined) continue;
        for (let seq = 0; seq <= log.length; seq += 1) {
          const isPrefix = log.slice(0, seq).every((name, index) => now.log[index] === name);
          const isListed = now.epochs.some((entry) => entry.epoch === last.epoch);
          const isValid = isPositionValid(now.epochs, now.log.length, { epoch: last.epoch, seq });
          // An epoch that only a lost stretch listed is unknown here, whatever its cursors saw.
          expect(isValid).toBe(isListed && isPrefix);
        }
      }
    }),
    run,
  );
});

test("[RESET-2] [RESET-10] [EPOCH-7] what is not valid here is dropped if a final restore came after it, and else offered", () => {
  const seen = { offer: 0, drop: 0 };
  fc.assert(
    fc.property(history, (steps) => {
      const moments = play(steps);
      const now = moments.at(-1) ?? moments[0];
      const state = spaceState({ head: now.log.length, epochs: now.epochs });
      for (const { log, epochs, finals } of moments) {
        const epoch = epochs.at(-1)?.epoch;
        if (epoch === undefined) continue;
        for (let seq = 0; seq <= log.length; seq += 1) {
          const cursor = { epoch, seq, collections: null, start: null };
          const request = { collections: null, tombstones: false };
          const isValid = isPositionValid(now.epochs, now.log.length, cursor);
          const expected = isValid ? null : finals < now.finals ? "drop" : "offer";
          if (expected !== null) seen[expected] += 1;
          expect(planPull(state, { ...request, cursor, ack: null }).reset).toBe(expected);
          expect(planPull(state, { ...request, cursor: null, ack: cursor }).reset).toBe(expected);
        }
      }
    }),
    run,
  );
  expect(Math.min(seen.offer, seen.drop)).toBeGreaterThan(500);
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
