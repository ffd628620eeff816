import type { Ack, CollectionName, Cursor, Stamp } from "@synchro/core";
import type { WireRecord } from "@synchro/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { recordEdits } from "../outbox/record-edits.ts";
import { freezeBatch } from "../outbox/freeze-batch.ts";
import { sha256 } from "../runtime/sha256.ts";
import type { ClientStore } from "../store/client-store.ts";
import { openMemoryStore } from "../store/memory/open-memory-store.ts";
import { type AnswerContext, type AnyAnswer, type Applied, applyAnswer } from "./apply-answer.ts";
import { HeldDigests } from "./held-digests.ts";

const readings = "readings" as CollectionName;
const NOW = "2026-11-24T10:00:00.000000Z" as Stamp;

const record = (key: string, seq: number, stamp = "2026-11-24T09:00:00Z"): WireRecord => ({
  collection: readings,
  key,
  seq,
  updated_at: stamp,
  value: { n: seq },
});

const tombstone = (key: string, seq: number): WireRecord => ({
  collection: readings,
  key,
  seq,
  updated_at: "2026-11-24T09:00:00Z",
  deleted: true,
});

let store: ClientStore;
beforeEach(async () => {
  store = await openMemoryStore({ createClientId: () => "c_1" });
});

const meta = () =>
  store.read((reader) =>
    reader.getMeta(["cursor", "ack", "generation", "run", "divergedUntil", "batch"]),
  );

const held = (): Promise<readonly (readonly [string, number, number])[]> =>
  store.read(async (reader) =>
    (await reader.scanRecords(readings, { after: null, limit: 100 })).map(
      ({ key, seq, mark }) => [key, seq, mark] as const,
    ),
  );

const offers = (): Promise<readonly string[]> =>
  store.read(async (reader) =>
    (await reader.scanOutbox(0, 100)).filter(({ isOffer }) => isOffer).map(({ key }) => key),
  );

/** Applies an answer as the one to a request that was made just now, unless told. */
const apply = async (
  answer: Partial<AnyAnswer>,
  context: Partial<AnswerContext> = {},
): Promise<Applied> => {
  const { generation, cursor } = await meta();
  const request: AnswerContext = {
    sentUnder: generation,
    beginsRun: cursor === null,
    isPush: false,
    receivedAt: NOW,
    measuresClock: true,
    ...context,
  };
  return store.transact((tx) => applyAnswer(tx, { changes: [], ...answer }, request, sha256));
};

const put = (key: string): Promise<unknown> =>
  store.transact((tx) =>
    recordEdits(tx, [
      { collection: readings, key, value: "{}", author: null, editedAt: NOW, schemaVersion: 1 },
    ]),
  );

const freeze = (): Promise<unknown> =>
  store.transact((tx) => freezeBatch(tx, { entriesMax: 9, bytesMax: 9_999, clockOffsetMs: 0 }));

describe("one transaction", () => {
  test("[CLIENT-12] an answer that can't be applied whole leaves nothing behind, its cursor included", async () => {
    await apply({ cursor: "one", more: true, changes: [record("a", 1)] });
    const broken = { ...record("c", 3), updated_at: "yesterday" };
    await expect(
      apply({ cursor: "two", more: false, changes: [record("b", 2), broken] }),
    ).rejects.toThrow(/stamp/);
    expect(await held()).toEqual([["a", 1, 1]]);
    expect(await meta()).toMatchObject({ cursor: "one" });
  });

  test("[CLIENT-3] [CLIENT-14] results, records, cursor and ack are saved together, each text as it came", async () => {
    await put("a");
    await freeze();
    const cursor = "anything that a server may say ~*";
    const answer = { cursor, ack: "an ack", more: false, results: [{ seq: 4 }] };
    const applied = await apply(answer, { isPush: true });
    expect(applied).toMatchObject({ kind: "applied", isUpToDate: true });
    expect(await meta()).toMatchObject({ cursor, ack: "an ack", batch: [] });
    expect(await held()).toEqual([["a", 4, 1]]);
  });
});

describe("[CLIENT-13] by seq", () => {
  test("an older or equal one changes nothing but the outbox, a newer one does, in whatever order they come", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 5), record("b", 6)] });
    await apply({ cursor: "2", more: false, changes: [record("a", 5), record("b", 3)] });
    await apply({ cursor: "3", more: false, changes: [record("b", 8), record("b", 7)] });
    expect(await held()).toEqual([
      ["a", 5, 1],
      ["b", 8, 1],
    ]);
  });

  test("a confirmation that comes after a newer version takes nothing back", async () => {
    await apply({ cursor: "1", more: false });
    await put("a");
    await freeze();
    await apply({ cursor: "2", more: false, changes: [record("a", 9, "2026-11-24T11:00:00Z")] });
    await apply({ ack: "a", results: [{ seq: 8 }] }, { isPush: true, beginsRun: false });
    expect(await held()).toEqual([["a", 9, 1]]);
  });
});

describe("generations", () => {
  test("[CLIENT-17] a null cursor begins one with its first page, not with the request", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 1)] });
    await store.transact((tx) => tx.putMeta({ cursor: null }));
    expect((await meta()).generation).toBe(1);
    await apply({ cursor: "2", more: true, changes: [record("b", 2)] });
    expect(await meta()).toMatchObject({ generation: 2, run: "plain" });
    expect(await held()).toEqual([
      ["a", 1, 1],
      ["b", 2, 2],
    ]);
  });

  test("[CLIENT-18] at its end what it did not bring goes; unsent changes stay", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 1), record("b", 2)] });
    await put("a");
    await apply({ cursor: "2", more: true, reset: "drop", changes: [record("b", 2)] });
    expect(await held()).toHaveLength(2);
    await apply({ cursor: "3", more: false });
    expect(await held()).toEqual([["b", 2, 2]]);
    expect(await meta()).toMatchObject({ run: null });
    expect(await store.read((reader) => reader.countOutbox())).toBe(1);
  });

  test("[CLIENT-17] a reset forgets the older ack, and takes the one it brings", async () => {
    await store.transact((tx) => tx.putMeta({ ack: "old" as Ack, cursor: "c" as Cursor }));
    await apply({ cursor: "1", more: false, reset: "offer" });
    expect((await meta()).ack).toBeNull();
    await store.transact((tx) => tx.putMeta({ ack: "old" as Ack }));
    await apply({ cursor: "2", more: false, reset: "drop", ack: "new" });
    expect((await meta()).ack).toBe("new");
  });

  test("[CLIENT-20] an answer to a request of an older generation is no answer; the one that brings the reset is", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 1)] });
    const late = await meta();
    await apply({ cursor: "2", more: false, reset: "drop", changes: [record("b", 2)] });
    const applied = await apply(
      { cursor: "3", more: false, changes: [record("c", 3)] },
      { sentUnder: late.generation },
    );
    expect(applied).toEqual({ kind: "ignored" });
    expect(await held()).toEqual([["b", 2, 2]]);
    expect((await meta()).cursor).toBe("2");
  });

  test("[CLIENT-20] so its changes wait to be sent again", async () => {
    await apply({ cursor: "1", more: false });
    await put("a");
    await freeze();
    await apply({ cursor: "2", more: false, reset: "offer" });
    await apply({ ack: "a", results: [{ seq: 9 }] }, { isPush: true, sentUnder: 1 });
    expect((await meta()).batch).toEqual([1]);
    expect(await held()).toEqual([]);
  });
});

describe("offers", () => {
  test("[CLIENT-22] what a page would bury and what the run did not bring, tombstones too, is offered; what is older is not", async () => {
    const first = [
      record("newer-here", 5, "2026-11-24T09:30:00Z"),
      record("older-here", 6, "2026-11-24T08:00:00Z"),
      record("gone", 7),
      tombstone("buried", 8),
    ];
    await apply({ cursor: "1", more: false, changes: first });
    await apply({
      cursor: "2",
      more: true,
      reset: "offer",
      changes: [record("newer-here", 1), record("older-here", 2)],
    });
    expect(await offers()).toEqual(["newer-here"]);
    await apply({ cursor: "3", more: false });
    expect((await offers()).toSorted()).toEqual(["buried", "gone", "newer-here"]);
    expect((await held()).map(([key]) => key)).toEqual(["newer-here", "older-here"]);
  });

  test("[CLIENT-21] a drop within an offer run starts it over as an offer run", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 1)] });
    await apply({ cursor: "2", more: true, reset: "offer" });
    await apply({ cursor: "3", more: true, reset: "drop" });
    expect(await meta()).toMatchObject({ run: "offer", generation: 3 });
    await apply({ cursor: "4", more: false });
    expect(await offers()).toEqual(["a"]);
  });

  test("a plain run offers nothing", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 1)] });
    await apply({ cursor: "2", more: false, reset: "drop" });
    expect(await offers()).toEqual([]);
    expect(await held()).toEqual([]);
  });
});

describe("digests", () => {
  const digestOf = async (at: number) => {
    const digests = new HeldDigests({}, sha256);
    const records = await store.read((reader) =>
      reader.scanRecords(readings, { after: null, limit: 100 }),
    );
    for (const each of records) digests.replace(null, each, each.mark);
    return { at, collections: digests.toMeta() };
  };
  const other = { at: 9, collections: { readings: { count: 7, sum: "0123456789abcdef" } } };

  test("[CLIENT-25] a mismatch restarts from null as an offer run, once; then it is reported, for a day", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 1)] });
    expect(await apply({ cursor: "2", more: false, digest: other })).toMatchObject({
      hasRestarted: true,
      diverged: null,
    });
    expect(await meta()).toMatchObject({ cursor: null, run: "offer" });
    const again = await apply({
      cursor: "3",
      more: false,
      changes: [record("a", 1)],
      digest: other,
    });
    expect(again).toMatchObject({ hasRestarted: false, diverged: ["readings"] });
    expect((await meta()).cursor).toBe("3");
    const nextDay = { receivedAt: "2026-11-25T10:00:00.000001Z" as Stamp };
    expect(await apply({ cursor: "4", more: false, digest: other }, nextDay)).toMatchObject({
      hasRestarted: true,
    });
  });

  test("[CLIENT-25] a clock that was years ahead does not put it off for years", async () => {
    const ahead = { receivedAt: "2036-11-24T10:00:00.000000Z" as Stamp };
    await apply({ cursor: "1", more: false, digest: other }, ahead);
    await apply({ cursor: "2", more: false, digest: other });
    expect(await meta()).toMatchObject({
      cursor: null,
      divergedUntil: "2026-11-25T10:00:00.000000Z",
    });
  });

  test("[CLIENT-24] one that agrees clears it; one of an older snapshot is not compared", async () => {
    await apply({ cursor: "1", more: false, changes: [record("a", 10)] });
    expect(await apply({ cursor: "2", more: false, digest: other })).toMatchObject({
      hasRestarted: false,
      diverged: null,
      isAhead: true,
    });
    const right = await digestOf(10);
    expect(await apply({ cursor: "3", more: false, digest: right })).toMatchObject({
      diverged: [],
    });
    expect((await meta()).divergedUntil).toBeNull();
  });
});
