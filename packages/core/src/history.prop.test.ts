import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CollectionName } from "./collection-name.ts";
import { type CursorPosition, decodeCursor } from "./cursor.ts";
import { recordId, type StoredRecord } from "./record.ts";
import { addMicros, type Stamp } from "./stamp.ts";
import { ModelClient } from "../testing/model-client.ts";
import { countedDigest, ModelSpace, type SpaceImage } from "../testing/model-space.ts";
import { assign, batches, NOON, readings } from "../testing/samples.ts";

const MICROS_PER_MINUTE = 60_000_000;
const sets: readonly (readonly CollectionName[] | null)[] = [null, [readings], [batches, readings]];

const edit = fc.record({
  collection: fc.constantFrom(readings, batches),
  key: fc.constantFrom("a", "b", "c", "d"),
  value: fc.constantFrom(null, null, '{"n":0}', '{"n":1}', '{"n":22222222}'),
  // Late arrivals, ties, and clocks that run ahead by no more than they may.
  minutes: fc.integer({ min: -6, max: 4 }),
});
type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

const sync = fc.record({
  do: fc.constantFrom("sync" as const, "sync" as const, "lose" as const),
  client: fc.nat(2),
  edits: fc.array(edit, { maxLength: 3 }),
  between: fc.array(edit, { maxLength: 2 }),
  limit: fc.integer({ min: 1, max: 4 }),
  bytesMax: fc.constantFrom(0, 12, 1_000),
  lostBytesMax: fc.constantFrom(0, 12, 1_000),
});
const quiet = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("v1" as const),
      edits: fc.array(edit, { maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("tick" as const),
      minutes: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("ask" as const), client: fc.nat(2), set: fc.nat(2) }),
  },
);
const purge = fc.record({
  do: fc.constant("purge" as const),
  minutes: fc.integer({ min: 0, max: 6 }),
});
const copy = fc.record({ do: fc.constantFrom("save" as const, "restore" as const) });

const step = fc.oneof(
  { weight: 6, arbitrary: sync },
  { weight: 2, arbitrary: quiet },
  { weight: 1, arbitrary: purge },
  { weight: 1, arbitrary: copy },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** The whole of one history: a space, three clients, a clock that goes on. */
class World {
  now: Stamp = NOON;
  readonly space = new ModelSpace([readings, batches]);
  readonly clients = sets.map((collections) => new ModelClient(collections));
  saved: SpaceImage = this.space.image;
  /** What clients held, by their cursors' word, when older data took its place. */
  readonly heldAtRestore: StoredRecord[] = [];

  clientAt(index: number): ModelClient {
    const client = this.clients[index];
    if (client === undefined) throw new Error(`no client ${index}`);
    return client;
  }

  stampOf({ minutes }: Edit): Stamp {
    return addMicros(this.now, minutes * MICROS_PER_MINUTE);
  }

  writeV1(edits: readonly Edit[]): void {
    const changes = edits.map((each) =>
      assign({ d: each.minutes }, { ...each, stamp: this.stampOf(each) }),
    );
    if (changes.length === 0) return;
    const { now } = this;
    this.space.push(changes, { now, checksClocks: false, lostBytesMax: Number.POSITIVE_INFINITY });
  }

  run(next: Step): void {
    const { space } = this;
    if (next.do === "tick") this.now = addMicros(this.now, next.minutes * MICROS_PER_MINUTE);
    else if (next.do === "v1") this.writeV1(next.edits);
    else if (next.do === "reopen") space.reopen();
    else if (next.do === "ask") this.clientAt(next.client).collections = sets[next.set] ?? null;
    else if (next.do === "purge")
      space.purge(addMicros(this.now, -next.minutes * MICROS_PER_MINUTE));
    else if (next.do === "save") this.saved = space.image;
    else if (next.do === "restore") this.restore();
    else if (next.do === "sync" || next.do === "lose") this.sync(next);
  }

  restore(): void {
    for (const client of this.clients) {
      for (const { record } of client.held.values()) this.heldAtRestore.push(record);
    }
    this.space.restore(this.saved);
  }

  sync(next: Extract<Step, { do: "sync" | "lose" }>): void {
    const client = this.clientAt(next.client);
    const names = client.collections ?? [readings, batches];
    for (const each of next.edits) {
      const { collection, key, value } = each;
      if (!names.includes(collection)) continue;
      client.edit({
        kind: "write",
        collection,
        key,
        value,
        fieldState: null,
        author: null,
        stamp: this.stampOf(each),
      });
    }
    const options = { ...next, now: this.now, between: () => this.writeV1(next.between) };
    if (next.do === "lose") client.syncInVain(this.space, options);
    else {
      client.sync(this.space, options);
      expectNothingPassed(this.space, client);
    }
  }

  /** Lets every client send and read until it is at rest; what one sends, the others then read. */
  settle(): void {
    for (let round = 0; round < 3; round += 1) {
      for (const client of this.clients) {
        let requests = 0;
        do {
          const options = {
            now: this.now,
            limit: 2,
            bytesMax: 12,
            lostBytesMax: 12,
            between: () => {},
          };
          client.sync(this.space, options);
          expectNothingPassed(this.space, client);
          requests += 1;
        } while ((client.digests === null || client.outbox.size > 0) && requests < 100);
        if (requests === 100) throw new Error("a client does not come to rest");
      }
    }
  }
}

const positionOf = (client: ModelClient): CursorPosition | null => {
  if (client.cursor === null) return null;
  const position = decodeCursor(client.cursor);
  if (position === "invalid") throw new Error(`the model made ${client.cursor}`);
  return position;
};

/** No cursor stands past a change that its holder has not seen. */
const expectNothingPassed = (space: ModelSpace, client: ModelClient): void => {
  const position = positionOf(client);
  if (position === null) return;
  const names = client.collections ?? space.declared;
  const stored = new Map(
    space.records().map((each) => [recordId(each.collection, each.key), each]),
  );
  for (const [id, record] of stored) {
    if (!names.includes(record.collection) || record.seq > position.seq) continue;
    if (record.value !== null) expect(client.current(id)).toMatchObject({ seq: record.seq });
    else expect(client.current(id)?.value ?? null).toBeNull();
  }
  // What was purged unseen is told by a reset, at the next request at the latest.
  const isBelowFloor =
    Math.max(position.seq, position.start ?? 0) < (space.image.state?.floor ?? 0);
  for (const [id, { record, mark }] of client.held) {
    if (stored.has(id) || record.value === null || mark !== client.generation) continue;
    expect(isBelowFloor).toBe(true);
  }
};

const expectInStep = (space: ModelSpace, client: ModelClient): void => {
  const names = client.collections ?? space.declared;
  const version = ({ collection, key, seq, stamp, value }: StoredRecord): unknown[] => [
    collection,
    key,
    seq,
    stamp,
    value === null ? null : JSON.parse(value),
  ];
  const isLive = (record: StoredRecord): boolean =>
    record.value !== null && names.includes(record.collection);
  const held = [...client.held.values()].map(({ record }) => record);
  const bySeq = (a: StoredRecord, b: StoredRecord): number => a.seq - b.seq;
  expect(
    held
      .filter((each) => isLive(each))
      .toSorted(bySeq)
      .map(version),
  ).toEqual(
    space
      .records()
      .filter((each) => isLive(each))
      .toSorted(bySeq)
      .map(version),
  );
  for (const name of names) expect(client.digests?.get(name)).toEqual(countedDigest(held, name));
};

const isCopyStep = (next: Step): boolean => next.do === "restore";

const play = (steps: readonly Step[]): World => {
  const world = new World();
  for (const next of steps) world.run(next);
  world.settle();
  return world;
};

const run = { seed: 20_261_124, numRuns: 600 };
const history = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });

describe("any history of writers and readers", () => {
  test("[PULL-1] [PULL-7] [DIGEST-5] no cursor passes the unseen, and all who rest hold what the server holds", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { space, clients } = play(steps);
        for (const client of clients) expectInStep(space, client);
        for (const name of space.declared) {
          const digest = space.image.state?.digests.get(name);
          if (digest !== undefined) expect(digest).toEqual(countedDigest(space.records(), name));
        }
      }),
      run,
    );
  });

  test("[EPOCH-4] without a restore nobody is told to offer, however often the store is opened", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const { clients } = play(steps.filter((next) => !isCopyStep(next)));
        for (const client of clients) expect(client.resets).not.toContain("offer");
      }),
      run,
    );
  });

  test("[RESET-4] [RESET-5] nor is anybody reset at all, without a purge and with the same set", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const calm = steps.filter(
          (next) => !isCopyStep(next) && next.do !== "purge" && next.do !== "ask",
        );
        for (const client of play(calm).clients) expect(client.resets).toEqual([]);
      }),
      run,
    );
  });

  test("[RESET-2] [RESET-7] what any client held when a copy took the place of the data comes back, or newer", () => {
    fc.assert(
      fc.property(history, (steps) => {
        const calm = steps.filter((next) => next.do !== "purge" && next.do !== "ask");
        const { space, heldAtRestore } = play(calm);
        const stored = new Map(
          space.records().map((each) => [recordId(each.collection, each.key), each.stamp]),
        );
        for (const { collection, key, stamp } of heldAtRestore) {
          expect(stored.get(recordId(collection, key)) ?? "").toSatisfy((now) => now >= stamp);
        }
      }),
      run,
    );
  });
});
