import {
  addMicros,
  type CollectionName,
  isSameValue,
  recordId,
  type Stamp,
  type StoredRecord,
  stampToMillis,
  type WriteChange,
} from "@synchro/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ModelServer, type ServerImage } from "../../testing/model-server.ts";
import type { ClientStore } from "../store/client-store.ts";
import type { Generation, HeldRecord } from "../store/held-record.ts";
import type { EntryId, OutboxEntry } from "../store/outbox-entry.ts";
import { ClientDisk } from "../store/memory/client-disk.ts";
import { openMemoryStore } from "../store/memory/open-memory-store.ts";
import { discardChange } from "./discard-change.ts";
import { type Batch, freezeBatch, releaseBatch } from "./freeze-batch.ts";
import { dropOffers, offerRecords } from "./offer.ts";
import { overlayAll } from "./overlay.ts";
import { readUnsentWork } from "./read-unsent-work.ts";
import { recordEdits } from "./record-edits.ts";
import { baseOf } from "./replaced.ts";
import { retryDeadLetter } from "./retry-dead-letter.ts";
import { settleBatch } from "./settle-batch.ts";

const readings = "readings" as CollectionName;
const keys = ["a", "b", "c"] as const;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("edit" as const),
      key: fc.constantFrom(...keys),
      deletes: fc.boolean(),
      author: fc.constantFrom("anna", "anna", "bob"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("freeze" as const),
      most: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("lose" as const, "kill" as const, "release" as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      answered: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("remote" as const),
      key: fc.constantFrom(...keys),
      seconds: fc.integer({ min: -90, max: 90 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("pull" as const, "save" as const, "restore" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("discard" as const, "retry" as const, "drop offers" as const),
      pick: fc.nat(5),
    }),
  },
  // From years behind to years ahead.
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("clock" as const),
      skewMs: fc.constantFrom(0, 1_500, -60_000, 3_600_000, 1e10, -1e10),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("tick" as const),
      seconds: fc.integer({ min: 1, max: 400 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const nameOf = ({ collection, key }: HeldRecord): string => recordId(collection, key);

/** What became of an edit, told by its unique value. */
type Fate =
  | "pending"
  | "replaced by its author"
  | "applied"
  | "superseded"
  | "letter"
  | "discarded";

const assertEqual = (actual: unknown, expected: unknown): void => {
  expect(actual).toEqual(expected);
};

const assertLike = (actual: unknown, expected: Record<string, unknown>): void => {
  expect(actual).toMatchObject(expected);
};

/** One device and the oracle that follows each edit. */
const heldOf = (record: StoredRecord, mark: Generation): HeldRecord => {
  const { fieldState: _, ...held } = record;
  return { ...held, mark };
};

class Device {
  readonly server = new ModelServer();
  readonly disk = new ClientDisk();
  store!: ClientStore;
  skewMs = 0;
  inFlight: Batch | null = null;
  backup: ServerImage | null = null;
  #edits = 0;
  /** By the entry that an edit is in now, or was. */
  readonly fates = new Map<EntryId, { fate: Fate; sent: Set<string> }>();

  async open(): Promise<void> {
    this.store = await openMemoryStore({ createClientId: () => "c_1", disk: this.disk });
  }

  get clock(): Stamp {
    return addMicros(this.server.now, this.skewMs * 1000);
  }

  async run(each: Step): Promise<void> {
    switch (each.do) {
      case "edit":
        return this.edit(each);
      case "freeze":
        return this.freeze(each.most);
      case "lose":
        if (this.inFlight !== null) this.server.push(await this.changes(this.inFlight));
        return undefined;
      case "kill":
        this.inFlight = null;
        return this.open();
      case "release":
        this.inFlight = null;
        return this.store.transact(releaseBatch);
      case "answer":
        return this.answer(each.answered);
      case "remote":
        this.#edits += 1;
        this.server.write(
          readings,
          each.key,
          `{"remote":${this.#edits}}`,
          addMicros(this.server.now, each.seconds * 1e6),
        );
        return undefined;
      case "pull":
        return this.pull();
      case "save":
        this.backup = this.server.image;
        return undefined;
      case "restore":
        return this.restore();
      case "discard":
        return this.discard(each.pick);
      case "retry":
        return this.retry(each.pick);
      case "drop offers":
        // A 403: the answer to the batch in flight.
        await this.store.transact(dropOffers);
        this.inFlight = null;
        return undefined;
      case "clock":
        this.skewMs = each.skewMs;
        return undefined;
      case "tick":
        this.server.tick(each.seconds);
        return undefined;
    }
  }

  async edit({
    key,
    deletes,
    author,
  }: {
    key: string;
    deletes: boolean;
    author: string;
  }): Promise<void> {
    this.#edits += 1;
    const value = deletes ? null : `{"n":${this.#edits}}`;
    const [entry] = await this.store.transact((transaction) =>
      recordEdits(transaction, [
        { collection: readings, key, value, author, editedAt: this.clock, schemaVersion: 1 },
      ]),
    );
    assertLike(entry, { key, value, author, stamp: null, isOffer: false });
    // An unsent edit of the same author takes the new value: the id stands for the newest.
    this.fates.set(entry!.id, { fate: "pending", sent: new Set() });
    await this.expectSeen(key, value);
  }

  async expectSeen(key: string, value: string | null): Promise<void> {
    const { entries } = await this.store.read(readUnsentWork);
    const records = await this.store.read((reader) =>
      reader.scanRecords(readings, { after: null, limit: 100 }),
    );
    assertEqual(overlayAll(records, entries).get(key)?.value, value);
  }

  async freeze(entriesMax: number): Promise<void> {
    const before = this.inFlight;
    // The offset is what the last answer said; here it is exact, or there was none.
    const clockOffsetMs = this.skewMs === 1_500 ? -1_500 : 0;
    const limits = { entriesMax, bytesMax: 1_000_000, clockOffsetMs };
    this.inFlight = await this.store.transact((transaction) => freezeBatch(transaction, limits));
    if (before !== null && before.generation === this.inFlight?.generation) {
      assertEqual(this.inFlight.entries, before.entries);
    }
    const names = this.inFlight?.entries.map(({ key }) => key) ?? [];
    assertEqual(new Set(names).size, names.length);
    for (const entry of this.inFlight?.entries ?? []) this.checkFrozen(entry);
  }

  /** Two sends of one change are the same change, until the server has asked for another stamp. */
  checkFrozen(entry: OutboxEntry): void {
    const known = this.fates.get(entry.id);
    if (known === undefined) return assertEqual(entry.isOffer, true);
    known.sent.add(`${entry.stamp} ${entry.value}`);
    assertEqual(known.sent.size, 1);
    return undefined;
  }

  async changes({ entries, generation }: Batch): Promise<readonly WriteChange[]> {
    const { generation: present } = await this.store.read((reader) =>
      reader.getMeta(["generation"]),
    );
    return entries.map((entry) => {
      const { collection, key, value, stamp, author } = entry;
      const base = baseOf(entry, generation);
      const isOwnGeneration =
        base === null || (entry.replaced.mark === generation && generation <= present);
      assertEqual(isOwnGeneration, true);
      const writer = author === null ? null : { name: author, verified: false };
      return {
        kind: "write",
        collection,
        key,
        value,
        stamp,
        base,
        author: writer,
        fieldState: null,
      };
    });
  }

  async answer(answered: number): Promise<void> {
    const batch = this.inFlight;
    if (batch === null) return;
    this.inFlight = null;
    const { results, lostTo } = this.server.push(await this.changes(batch), answered);
    await this.store.transact(async (transaction) => {
      const { generation } = await transaction.getMeta(["generation"]);
      // An answer to a request of an older generation is no answer.
      if (generation !== batch.generation) return;
      const context = { correctedNow: this.server.now, settledAt: this.clock, generation };
      const { settlements, confirmed } = await settleBatch(transaction, results, context);
      assertEqual(settlements.length, batch.entries.length);
      for (const settlement of settlements) {
        const known = this.fates.get(settlement.entry.id);
        if (known === undefined) continue;
        if (settlement.kind === "refused") known.fate = "letter";
        else if (settlement.kind === "restamped") known.sent.clear();
        else if (settlement.kind === "applied") known.fate = "applied";
        else if (settlement.kind === "superseded") known.fate = "superseded";
        else assertEqual(settlement.kind, "unjudged");
      }
      const held = lostTo.map((record) => heldOf(record, generation));
      await this.#apply(transaction, [...confirmed, ...held]);
    });
  }

  async #apply(
    transaction: Parameters<Parameters<ClientStore["transact"]>[0]>[0],
    arriving: readonly HeldRecord[],
  ): Promise<void> {
    for (const record of arriving) {
      const [held = null] = await transaction.getRecords([record]);
      const isNews = held === null || held.mark !== record.mark || held.seq < record.seq;
      if (!isNews) continue;
      if (held !== null && held.mark !== record.mark && held.stamp > record.stamp) {
        await offerRecords(transaction, [held], { offeredAt: this.clock });
      }
      await transaction.putRecords([record]);
    }
  }

  async pull(): Promise<void> {
    await this.store.transact(async (transaction) => {
      const { generation: mark } = await transaction.getMeta(["generation"]);
      const records = [...this.server.image.records.values()];
      await this.#apply(
        transaction,
        records.map((record) => heldOf(record, mark)),
      );
    });
  }

  /** The server comes back with older data, and the client reads all of it again as an offer run. */
  async restore(): Promise<void> {
    if (this.backup === null) return;
    this.server.image = this.backup;
    await this.store.transact(async (transaction) => {
      const { generation } = await transaction.getMeta(["generation"]);
      await transaction.putMeta({ generation: generation + 1 });
    });
    await this.pull();
    await this.store.transact(async (transaction) => {
      const { generation } = await transaction.getMeta(["generation"]);
      const scan = { after: null, limit: 100, markBelow: generation };
      const old = await transaction.scanRecords(readings, scan);
      await offerRecords(transaction, old, { offeredAt: this.clock });
      await transaction.deleteRecords(old);
    });
  }

  async discard(pick: number): Promise<void> {
    const { entries, deadLetters } = await this.store.read(readUnsentWork);
    const ids = [
      ...entries.filter(({ isOffer }) => !isOffer),
      ...deadLetters.map(({ entry }) => entry),
    ];
    const chosen = ids[pick % Math.max(1, ids.length)];
    if (chosen === undefined) return;
    const { batch } = await this.store.read((reader) => reader.getMeta(["batch"]));
    const outcome = await this.store.transact((transaction) =>
      discardChange(transaction, chosen.id),
    );
    assertEqual(outcome.kind, batch.includes(chosen.id) ? "in_flight" : "discarded");
    if (outcome.kind === "discarded") this.fates.get(chosen.id)!.fate = "discarded";
  }

  async retry(pick: number): Promise<void> {
    const { deadLetters } = await this.store.read(readUnsentWork);
    const letter = deadLetters[pick % Math.max(1, deadLetters.length)];
    if (letter === undefined) return;
    const entry = await this.store.transact((transaction) =>
      retryDeadLetter(transaction, letter.entry.id, { editedAt: this.clock }),
    );
    assertLike(entry, { value: letter.entry.value, author: letter.entry.author });
    const known = this.fates.get(letter.entry.id);
    if (known !== undefined) known.fate = "replaced by its author";
    this.fates.set(entry!.id, { fate: "pending", sent: new Set() });
  }

  /** Every edit is accounted for, by what the store holds and by what the server has answered. */
  async checkNoneLost(): Promise<void> {
    const { entries, deadLetters } = await this.store.read(readUnsentWork);
    const pending = new Set(entries.map(({ id }) => id));
    const letters = new Set(deadLetters.map(({ entry }) => entry.id));
    const lost = [...this.fates].filter(
      ([id, { fate }]) =>
        pending.has(id) !== (fate === "pending") || letters.has(id) !== (fate === "letter"),
    );
    assertEqual(lost, []);
    // Nothing waits for what is gone.
    const stuck = entries.filter(
      ({ replaced }) => replaced.after !== null && !pending.has(replaced.after),
    );
    assertEqual(stuck, []);
  }

  /** Syncs until nothing is left: it must come to an end. */
  async drain(): Promise<void> {
    this.skewMs = 0;
    for (let round = 0; round < 100; round += 1) {
      await this.freeze(3);
      if (this.inFlight === null) break;
      await this.answer(3);
    }
    assertEqual(this.inFlight, null);
    assertEqual(await this.store.read((reader) => reader.countOutbox()), 0);
    await this.pull();
  }

  async checkEqual(): Promise<void> {
    const records = await this.store.read((reader) =>
      reader.scanRecords(readings, { after: null, limit: 100 }),
    );
    for (const record of records) {
      const stored = this.server.image.records.get(nameOf(record));
      assertEqual([record.seq, record.stamp], [stored?.seq, stored?.stamp]);
      assertEqual(isSameValue(record.value, stored?.value ?? null), true);
    }
    assertEqual(records.length, this.server.image.records.size);
  }
}

const seed = 20_261_124;
/** Long enough for a refusal to be retried, and for a restore among sends. */
const many = { minLength: 1, maxLength: 60, size: "max" } as const;

test("[CLIENT-5] in any order of edits, sends, lost answers, kills, resets and retries no edit is lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, many), async (steps) => {
      const device = new Device();
      await device.open();
      // Some values the server will never take.
      device.server.isRefused = ({ value }) => value !== null && /"n":\d*[1379]}/.test(value);
      for (const each of steps) {
        await device.run(each);
        await device.checkNoneLost();
      }
      await device.drain();
      await device.checkNoneLost();
      await device.checkEqual();
    }),
    { seed, numRuns: 500 },
  );
});

const quiet = step.filter((each) => !["remote", "restore", "discard", "retry"].includes(each.do));

test("[CLIENT-27] with no other writer the last edit of each record wins, whatever the clock did in between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(quiet, many), async (steps) => {
      const device = new Device();
      await device.open();
      const last = new Map<string, string | null>();
      let edits = 0;
      for (const each of steps) {
        await device.run(each);
        if (each.do !== "edit") continue;
        edits += 1;
        last.set(each.key, each.deletes ? null : `{"n":${edits}}`);
      }
      await device.drain();
      for (const [key, value] of last) {
        expect([key, device.server.image.records.get(recordId(readings, key))?.value]).toEqual([
          key,
          value,
        ]);
      }
      expect(stampToMillis(device.server.now)).toBeGreaterThan(0);
    }),
    { seed, numRuns: 500 },
  );
});
