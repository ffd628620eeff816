import {
  type CollectionName,
  collectionSet,
  type CollectionSet,
  type CursorPosition,
  type SpaceId,
  type StoredRecord,
} from "@synchro/core";
import { defaultLimits, type Limits } from "@synchro/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryDisk } from "./memory/memory-disk.ts";
import { MemoryStore } from "./memory/memory-store.ts";
import {
  articles,
  assign,
  at,
  batches,
  committed,
  days,
  declaredWithFields,
  ledger,
  nothingTold,
  only,
  otherSpace,
  patch,
  pullRequest,
  readings,
  refused,
  space,
  type OpenedStore,
  type StoreHarness,
  TestClock,
  write,
} from "./store-harness.contract.ts";
import type { Store, StoreOptions, StorePush } from "./store.ts";

/** Small, so that a short history meets them. */
const limits: Limits = {
  ...defaultLimits,
  evidencePerRecordMax: 2,
  evidenceDays: 1,
  rejectionsPerSpaceMax: 2,
  lostBytesMax: 900,
};

const names = [readings, batches, ledger, articles];

/** Merged by last-write. */
const plainNames = [readings, batches, ledger];

/** A clock and epochs of its own for each engine: the same for both, as they are asked alike. */
export const createRuntime = (): {
  readonly clock: TestClock;
  readonly runtime: StoreOptions["runtime"];
} => {
  const clock = new TestClock();
  let drawn = 0;
  const randomBytes = (count: number): Uint8Array => {
    drawn += 1;
    return new Uint8Array(count).fill(drawn % 256).fill(drawn >> 8, 0, 1);
  };
  return { clock, runtime: { ...clock.runtime, randomBytes } };
};

type Engine = {
  opened: OpenedStore;
  readonly clock: TestClock;
  readonly runtime: StoreOptions["runtime"];
};
type Pair = { readonly model: Engine; readonly real: Engine };
/** What a client would hold: cursors that were given out, and the tombstones that were read. */
type Held = {
  readonly cursors: CursorPosition[];
  collections: readonly CollectionName[];
  micros: number;
};
type Command = fc.AsyncCommand<Held, Pair>;

const memoryModel: StoreHarness = {
  open: async (options) => {
    const disk = new MemoryDisk();
    const over = (next: StoreOptions): OpenedStore => {
      const store = new MemoryStore(next, disk);
      return {
        store,
        reopen: async (again) => {
          await store.close();
          return over(again);
        },
        dispose: () => store.close(),
      };
    };
    return over(options);
  },
};

/** Asks both the same and holds the answers against each other. */
const agree = async <Answer>(
  pair: Pair,
  ask: (store: Store) => Promise<Answer>,
): Promise<Answer> => {
  const expected = await ask(pair.model.opened.store);
  expect(await ask(pair.real.opened.store)).toEqual(expected);
  return expected;
};

/** Everything that can be read of a space, so that no difference stays hidden. */
const readAll = async (pair: Pair): Promise<void> => {
  await agree(pair, (store) => store.listSpaces());
  for (const of of [space, otherSpace]) {
    await agree(pair, (store) => store.describeSpace(of));
    await agree(pair, (store) => store.listRejections(of, { clientId: null, limit: 99 }));
    await agree(pair, (store) => store.pull(pullRequest({ space: of, tombstones: true })));
    await agree(pair, async (store) => {
      const snapshot = await store.openSnapshot(of);
      await snapshot.close();
      return snapshot.state;
    });
    for (const collection of names) {
      await agree(pair, (store) => store.listEvidence(of, { collection, key: null, limit: 99 }));
      await agree(pair, (store) =>
        store.listHistory(of, { collection, key: "a", beforeSeq: null, limit: 99 }),
      );
    }
  }
};

class Push implements Command {
  readonly pushes: readonly Omit<StorePush, "now">[];

  constructor(pushes: readonly Omit<StorePush, "now">[]) {
    this.pushes = pushes;
  }

  check = (): boolean => true;

  async run(held: Held, pair: Pair): Promise<void> {
    // A caller names declared collections only, and these pushes wait together.
    const isDeclared = (change: StorePush["changes"][number]): boolean =>
      change.kind === "refused" || held.collections.includes(change.collection);
    const outcomes = await agree(pair, (store) =>
      Promise.all(
        this.pushes.map((push) =>
          store.push({
            ...push,
            changes: push.changes.filter(isDeclared),
            now: at(held.micros),
          }),
        ),
      ),
    );
    for (const outcome of outcomes) {
      held.cursors.push({ ...committed(outcome).position, collections: null, start: null });
    }
    await readAll(pair);
  }

  toString(): string {
    return `Push(${JSON.stringify(this.pushes)})`;
  }
}

class Pull implements Command {
  readonly held: number;
  readonly recordsMax: number;
  readonly tombstones: boolean;
  readonly of: CollectionSet;

  constructor(held: number, recordsMax: number, tombstones: boolean, of: CollectionSet) {
    this.held = held;
    this.recordsMax = recordsMax;
    this.tombstones = tombstones;
    this.of = of;
  }

  check = (): boolean => true;

  async run(held: Held, pair: Pair): Promise<void> {
    const collections =
      this.of === null
        ? null
        : collectionSet(this.of.filter((name) => held.collections.includes(name)));
    const cursor = held.cursors.at(-1 - (this.held % (held.cursors.length + 1))) ?? null;
    const { recordsMax, tombstones } = this;
    const told = cursor === null ? nothingTold : new Set([cursor.seq + 1]);
    const answer = await agree(pair, (store) =>
      store.pull(pullRequest({ cursor, collections, recordsMax, tombstones, told, bytesMax: 400 })),
    );
    if (answer.position !== null) held.cursors.push(answer.position);
  }

  toString(): string {
    return `Pull(${this.held}, ${this.recordsMax}, ${this.tombstones}, ${JSON.stringify(this.of)})`;
  }
}

class Purge implements Command {
  readonly micros: number;

  constructor(micros: number) {
    this.micros = micros;
  }

  check = (): boolean => true;

  async run(_: Held, pair: Pair): Promise<void> {
    await agree(pair, (store) => store.purge(space, at(this.micros)));
    await readAll(pair);
  }

  toString(): string {
    return `Purge(${this.micros})`;
  }
}

class BeginEpoch implements Command {
  readonly of: SpaceId | null;

  constructor(of: SpaceId | null) {
    this.of = of;
  }

  check = (): boolean => true;

  async run(_: Held, pair: Pair): Promise<void> {
    await agree(pair, (store) => store.beginEpoch(this.of));
    await agree(pair, async (store) => store.epoch);
    await readAll(pair);
  }

  toString(): string {
    return `BeginEpoch(${this.of})`;
  }
}

class Erase implements Command {
  readonly of: SpaceId;

  constructor(of: SpaceId) {
    this.of = of;
  }

  check = (): boolean => true;

  async run(_: Held, pair: Pair): Promise<void> {
    await agree(pair, (store) => store.eraseSpace(this.of));
    await readAll(pair);
  }

  toString(): string {
    return `Erase(${this.of})`;
  }
}

class Reopen implements Command {
  readonly collections: readonly CollectionName[];

  constructor(collections: readonly CollectionName[]) {
    this.collections = collections;
  }

  check = (): boolean => true;

  async run(held: Held, pair: Pair): Promise<void> {
    held.collections = this.collections;
    for (const engine of [pair.model, pair.real]) {
      const { runtime } = engine;
      const collections = only(...this.collections);
      engine.opened = await engine.opened.reopen({ runtime, collections, limits });
    }
    await agree(pair, async (store) => store.epoch);
    await readAll(pair);
  }

  toString(): string {
    return `Reopen(${this.collections.join(", ")})`;
  }
}

class TimePasses implements Command {
  readonly micros: number;

  constructor(micros: number) {
    this.micros = micros;
  }

  check = (): boolean => true;

  async run(held: Held, pair: Pair): Promise<void> {
    held.micros += this.micros;
    for (const { clock } of [pair.model, pair.real]) clock.now = at(held.micros);
    await readAll(pair);
  }

  toString(): string {
    return `TimePasses(${this.micros})`;
  }
}

class ReadSnapshot implements Command {
  readonly afterSeq: number;
  readonly micros: number;

  constructor(afterSeq: number, micros: number) {
    this.afterSeq = afterSeq;
    this.micros = micros;
  }

  check = (): boolean => true;

  async run(_: Held, pair: Pair): Promise<void> {
    await agree(pair, async (store) => {
      const snapshot = await store.openSnapshot(space);
      const filter = {
        afterSeq: this.afterSeq,
        afterStamp: this.micros < 0 ? null : at(this.micros),
      };
      const records: StoredRecord[] = [];
      for await (const chunk of snapshot.liveByStamp(readings, filter)) records.push(...chunk);
      const found = await snapshot.lookup(readings, ["b", "", "a", "\ufffd", "😀"]);
      await snapshot.close();
      return { records, found };
    });
  }

  toString(): string {
    return `ReadSnapshot(${this.afterSeq}, ${this.micros})`;
  }
}

const key = fc.constantFrom("a", "b", "\ufffd", "😀");
const collection = fc.constantFrom(...plainNames);
const micros = fc.nat(12);
const value = fc.option(
  fc.oneof(
    fc.record({ n: fc.nat(2) }),
    fc.record({ text: fc.constant("x".repeat(300)), n: fc.nat(2) }),
  ),
  { nil: null },
);
const author = fc.option(fc.record({ name: key, verified: fc.boolean() }), { nil: null });
const base = fc.option(fc.nat(12), { nil: null });

const fields = fc.record(
  {
    name: fc.constantFrom("x", "y"),
    shelf: fc.constantFrom("A", "B", null),
    high: fc.nat(3),
    tags: fc.subarray(["a", "b"]),
    note: fc.constantFrom(null, "x".repeat(300)),
  },
  { requiredKeys: [] },
);

const change: fc.Arbitrary<StorePush["changes"][number]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ key, collection, micros, value, author, base })
      .map(({ key: of, micros: stamp, value: wish, ...more }) => write(of, at(stamp), wish, more)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        key,
        micros,
        life: fc.integer({ min: 1, max: 3 }),
        fields,
        base,
        author,
        own: micros,
      })
      .map(({ key: of, micros: stamp, life, fields: sent, own, ...more }) => {
        const stamps = { shelf: at(own) };
        return patch(of, at(stamp), life, life % 2 === 0 ? null : sent, { stamps, ...more });
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(key, micros, fc.nat(2))
      .map(([of, stamp, n]) => assign(of, at(stamp), { n })),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom("bad_key" as const, "bad_value" as const),
        fc.option(key, { nil: null }),
      )
      .map(([code, body]) => refused(code, body)),
  },
);

const push = fc.record({
  space: fc.constantFrom(space, space, otherSpace),
  changes: fc.array(change, { maxLength: 5 }),
  checksClocks: fc.boolean(),
  clientId: fc.constantFrom("c1", "c2", null),
});

const set = fc.subarray(names, { minLength: 1 });

const commands = fc.commands(
  [
    fc.array(push, { minLength: 1, maxLength: 4 }).map((pushes) => new Push(pushes)),
    fc.array(push, { minLength: 1, maxLength: 4 }).map((pushes) => new Push(pushes)),
    fc
      .tuple(fc.nat(9), fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.option(set, { nil: null }))
      .map((parts) => new Pull(...parts)),
    fc.nat(15).map((cutoff) => new Purge(cutoff)),
    set.map((collections) => new Reopen(collections)),
    fc.constantFrom(space, null).map((of) => new BeginEpoch(of)),
    fc.constantFrom(space, otherSpace).map((of) => new Erase(of)),
    fc.constantFrom(1, 5, days(1)).map((passed) => new TimePasses(passed)),
    fc
      .tuple(fc.nat(9), fc.integer({ min: -1, max: 12 }))
      .map((parts) => new ReadSnapshot(...parts)),
  ],
  { maxCommands: 25 },
);

/** Holds an engine's answers against the model's, over `numRuns` random histories. */
export const describeAgreement = (name: string, harness: StoreHarness, numRuns: number): void => {
  test(
    `[STORE-18] ${name} answers any history as the model does`,
    { timeout: 240_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(commands, async (history) => {
          const open = async (of: StoreHarness): Promise<Engine> => {
            const { clock, runtime } = createRuntime();
            const opened = await of.open({ runtime, collections: declaredWithFields, limits });
            return { opened, clock, runtime };
          };
          const pair = { model: await open(memoryModel), real: await open(harness) };
          try {
            const held: Held = { cursors: [], collections: names, micros: 0 };
            await fc.asyncModelRun(() => ({ model: held, real: pair }), history);
          } finally {
            await pair.model.opened.dispose();
            await pair.real.opened.dispose();
          }
        }),
        { seed: 20_261_124, numRuns },
      );
    },
  );
};
