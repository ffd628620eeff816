import { formatStamp } from "@synchro/core";
import { beforeEach, describe, expect, test } from "vitest";
import { at, edit, entriesOf, held, openStore } from "../../testing/outbox-samples.ts";
import type { ClientStore } from "../store/client-store.ts";
import { changedFields, isNewsTo } from "../store/field-state.ts";
import type { HeldRecord } from "../store/held-record.ts";
import type { OutboxEntry } from "../store/outbox-entry.ts";
import { changeText } from "../sync/change-text.ts";
import { freezeBatch } from "./freeze-batch.ts";
import { offerRecords } from "./offer.ts";
import { type Edit, recordEdits } from "./record-edits.ts";
import { retryDeadLetter } from "./retry-dead-letter.ts";
import { settleBatch } from "./settle-batch.ts";

const GENERATION = 2;

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
  await store.transact((transaction) => transaction.putMeta({ generation: GENERATION }));
});

const json = JSON.stringify;

/** A version of two fields, written a hundred and two hundred microseconds ago. */
const shelf = (parts: Partial<HeldRecord> = {}): HeldRecord =>
  held("a", {
    value: json({ n: 1, shelf: "A" }),
    mark: GENERATION,
    fieldState: { life: 1, stamps: { n: formatStamp(at(-100)), shelf: formatStamp(at(-200)) } },
    ...parts,
  });

const hold = (...records: readonly HeldRecord[]) =>
  store.transact((transaction) => transaction.putRecords(records));

const patch = (minute: number, value: object | null, ...fields: readonly string[]): Edit => ({
  ...edit("a", minute),
  value: value === null ? null : json(value),
  fields,
});

const record = async (...edits: readonly Edit[]): Promise<OutboxEntry> => {
  const entries = await store.transact((transaction) => recordEdits(transaction, edits));
  const last = entries.at(-1);
  if (last === undefined) throw new Error("no entry was made");
  return last;
};

const freeze = async () => {
  const batch = await store.transact((transaction) =>
    freezeBatch(transaction, { entriesMax: 10, bytesMax: 1e6, clockOffsetMs: 0 }),
  );
  return (batch?.entries ?? []).map(
    (entry) => JSON.parse(changeText(entry, GENERATION)) as Record<string, unknown>,
  );
};

const settle = (result: Parameters<typeof settleBatch>[1][number]) =>
  store.transact((transaction) =>
    settleBatch(transaction, [result], {
      correctedNow: at(1_000),
      settledAt: at(1_000),
      generation: GENERATION,
    }),
  );

describe("[CLIENT-29] an edit of a collection that merges fields", () => {
  test("names the fields that differ, those that are gone included", () => {
    expect(changedFields('{"a":1,"b":{"c":[1]},"d":0}', '{"b":{"c":[1]},"a":2,"e":null}')).toEqual([
      "a",
      "d",
      "e",
    ]);
    expect(changedFields(null, '{"a":1}')).toEqual(["a"]);
    expect(changedFields('{"a":1}', null)).toEqual(["a"]);
  });

  test("sends what it changes, and null for what it removes", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5 }, "n", "shelf"));
    expect(await freeze()).toMatchObject([
      { life: 1, value: { n: 5, shelf: null }, base: 10, updated_at: formatStamp(at(1)) },
    ]);
  });

  test("that makes a record is whole, and begins its life", async () => {
    await record(patch(1, { n: 5, shelf: "B" }, "n", "shelf"));
    expect(await freeze()).toMatchObject([{ life: 1, value: { n: 5, shelf: "B" } }]);
  });

  test("that deletes ends a life, and one that makes the record again begins another, whole", async () => {
    await hold(shelf());
    expect(await record(patch(1, null))).toMatchObject({ patch: { life: 2, fields: null } });
    expect(await record(patch(2, { n: 5 }, "n"))).toMatchObject({
      patch: { life: 3, fields: null },
    });
    expect(await freeze()).toMatchObject([{ life: 3, value: { n: 5 } }]);
  });

  test("of what is deleted already, or was never seen, is a deletion all the same", async () => {
    await hold(shelf({ value: null, fieldState: { life: 4, stamps: {} } }));
    expect((await record(patch(1, null))).patch?.life).toBe(4);
    const unseen = { ...patch(1, null), key: "b" };
    expect((await record(unseen)).patch?.life).toBe(2);
    expect(await freeze()).toMatchObject([
      { life: 4, deleted: true },
      { deleted: true, life: 2 },
    ]);
  });

  test("takes a later one in that was not sent either: both fields go out", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"), patch(2, { n: 5, shelf: "B" }, "shelf"));
    expect(await entriesOf(store)).toHaveLength(1);
    expect(await freeze()).toMatchObject([{ life: 1, value: { n: 5, shelf: "B" } }]);
  });

  test("stays whole when a later one changes a field of what it makes", async () => {
    await record(patch(1, { n: 5, shelf: "A" }, "n", "shelf"), patch(2, { n: 6 }, "n", "shelf"));
    expect(await freeze()).toMatchObject([{ life: 1, value: { n: 6 } }]);
  });

  test("made while another is in flight follows that one's life", async () => {
    await hold(shelf());
    await record(patch(1, null));
    await freeze();
    expect(await record(patch(2, { n: 5 }, "n"))).toMatchObject({ patch: { life: 3 } });
  });

  test("of a record from before the policy counts it as written at once", async () => {
    const { fieldState: _, ...old } = shelf();
    await hold(old);
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    expect(await freeze()).toMatchObject([{ life: 1, value: { n: 5 } }]);
  });
});

describe("[CLIENT-30] an answer", () => {
  test("[FIELDS-20] that tells a patch without a base whole says that there was nothing: the patch is all of it", async () => {
    // Over an edit that the server refused, and over a version of another life of the server.
    await record(patch(1, { n: 5, shelf: "B" }, "n", "shelf"));
    await freeze();
    await record(patch(2, { n: 6, shelf: "B" }, "n", "shelf"));
    await settle({ kind: "rejected", rejection: { code: "stale", message: "", path: "" } });
    await freeze();
    const { confirmed } = await settle({ kind: "applied", seq: 20 });
    expect(confirmed).toMatchObject([{ seq: 20, value: json({ n: 6, shelf: "B" }) }]);

    await hold(shelf({ value: json({ n: 1, shelf: "A", old: true }), mark: GENERATION - 1 }));
    await record(patch(3, { n: 7, shelf: "C", old: true }, "n", "shelf"));
    expect(await freeze()).toMatchObject([{ value: { n: 7, shelf: "C" } }]);
    const later = await settle({ kind: "applied", seq: 21 });
    const at3 = formatStamp(at(3));
    expect(later.confirmed).toMatchObject([
      {
        seq: 21,
        value: json({ n: 7, shelf: "C" }),
        fieldState: { life: 1, stamps: { n: at3, shelf: at3 } },
      },
    ]);
  });

  test("that an edit was applied leaves the version that it made of the one it replaced", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5 }, "n", "shelf"));
    await freeze();
    const { confirmed } = await settle({ kind: "applied", seq: 11 });
    expect(confirmed).toMatchObject([
      {
        seq: 11,
        value: json({ n: 5 }),
        fieldState: {
          life: 1,
          stamps: { n: formatStamp(at(1)), shelf: formatStamp(at(1)) },
        },
      },
    ]);
  });

  test("keeps the fields that the edit did not touch, with their stamps", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    await freeze();
    const { confirmed } = await settle({ kind: "applied", seq: 11 });
    expect(confirmed).toMatchObject([
      {
        value: json({ n: 5, shelf: "A" }),
        fieldState: {
          life: 1,
          stamps: { n: formatStamp(at(1)), shelf: formatStamp(at(-200)) },
        },
      },
    ]);
  });

  test("that an edit was applied says nothing of a version that is not held any more: a newer one is", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    await freeze();
    await hold(shelf({ seq: 12, value: json({ n: 9, shelf: "A" }) }));
    const { confirmed, settlements } = await settle({ kind: "applied", seq: 11 });
    expect(confirmed).toEqual([]);
    expect(settlements).toMatchObject([{ kind: "applied" }]);
    expect(await entriesOf(store)).toEqual([]);
  });

  test("that a record was made or deleted leaves just that", async () => {
    await record(patch(1, { n: 5 }, "n"), { ...patch(1, null), key: "b" });
    await freeze();
    const { confirmed } = await store.transact((transaction) =>
      settleBatch(
        transaction,
        [
          { kind: "applied", seq: 11 },
          { kind: "applied", seq: 12 },
        ],
        { correctedNow: at(1_000), settledAt: at(1_000), generation: GENERATION },
      ),
    );
    expect(confirmed).toMatchObject([
      { value: json({ n: 5 }), fieldState: { life: 1, stamps: { n: formatStamp(at(1)) } } },
      { value: null, fieldState: { life: 2, stamps: {} } },
    ]);
  });

  test("that it was merged leaves nothing but what comes with the answer, and whoever edits on has not seen it", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    await freeze();
    await record(patch(2, { n: 6, shelf: "A" }, "n"));
    const { confirmed, settlements } = await settle({ kind: "merged", seq: 13 });
    expect(confirmed).toEqual([]);
    expect(settlements).toMatchObject([{ kind: "merged" }]);
    // With a base the server would take the others' fields for seen, and keep none of them as evidence.
    expect(await entriesOf(store)).toMatchObject([{ replaced: { seq: 0, after: null } }]);
  });
});

describe("[CLIENT-32] an edit of a version that the server has lost", () => {
  const incomplete = () =>
    settle({
      kind: "rejected",
      rejection: { code: "incomplete", message: "no", path: "/value/shelf" },
    });

  test("is sent again as the whole of it, the other fields with their own stamps, and is no dead letter", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    await freeze();
    // What is held may have changed meanwhile: the edit goes over what is held now.
    await hold(shelf({ seq: 3, mark: 1, value: json({ n: 1, shelf: "C", x: true }) }));
    const { settlements, confirmed } = await incomplete();
    expect([settlements[0]?.kind, confirmed]).toEqual(["completed", []]);
    const [sent] = await freeze();
    expect(sent).toMatchObject({
      updated_at: formatStamp(at(1)),
      life: 1,
      value: { n: 5, shelf: "C" },
      stamps: { n: formatStamp(at(1)), shelf: formatStamp(at(-200)) },
    });
    expect(sent).not.toHaveProperty("base");
    expect(await store.read((reader) => reader.countDeadLetters())).toBe(0);
  });

  test("is of the latest of its fields, which may be one that is held", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    await freeze();
    const stamps = { n: formatStamp(at(-100)), shelf: formatStamp(at(60)) };
    await hold(shelf({ seq: 3, mark: 1, stamp: at(60), fieldState: { life: 1, stamps } }));
    await incomplete();
    expect(await freeze()).toMatchObject([
      {
        updated_at: formatStamp(at(60)),
        stamps: { n: formatStamp(at(1)), shelf: formatStamp(at(60)) },
      },
    ]);
  });

  test("is a dead letter if it says the whole already, or nothing is held of that life", async () => {
    await hold(shelf());
    await record(patch(1, { n: 5, shelf: "A" }, "n"));
    await freeze();
    await incomplete();
    await freeze();
    await incomplete();
    expect(await store.read((reader) => reader.countDeadLetters())).toBe(1);

    await record({ ...patch(2, { n: 5, shelf: "A" }, "n"), key: "b" });
    await freeze();
    await incomplete();
    expect(await store.read((reader) => reader.countDeadLetters())).toBe(2);
    expect(await entriesOf(store)).toEqual([]);
  });
});

describe("[CLIENT-31] an offer", () => {
  test("carries life and all stamps of what is held, removed fields included", async () => {
    const { fieldState } = shelf();
    const version = shelf({ value: json({ n: 1 }) });
    await store.transact((transaction) =>
      offerRecords(transaction, [version], { offeredAt: at(9) }),
    );
    expect(await freeze()).toMatchObject([
      {
        life: 1,
        stamps: fieldState?.stamps,
        value: { n: 1, shelf: null },
        updated_at: formatStamp(version.stamp),
      },
    ]);
  });

  test("of another version of the record is made beside one that has not its fields", async () => {
    const other = shelf({
      value: json({ n: 2, shelf: "A" }),
      fieldState: { life: 1, stamps: { n: formatStamp(at(-150)), shelf: formatStamp(at(-200)) } },
    });
    const offer = (version: HeldRecord) =>
      store.transact((transaction) => offerRecords(transaction, [version], { offeredAt: at(9) }));
    expect([await offer(shelf()), await offer(shelf()), await offer(other)]).toEqual([1, 0, 1]);
  });

  test("that is too far ahead of the server's clock has no stamp later than the new one, and keeps the earlier ones", async () => {
    const fieldState = {
      life: 1,
      stamps: { n: formatStamp(at(9_000)), shelf: "2026-11-24T09:59:59.5Z" },
    };
    await store.transact((transaction) =>
      offerRecords(transaction, [shelf({ stamp: at(9_000), fieldState })], { offeredAt: at(9) }),
    );
    await freeze();
    await settle({
      kind: "rejected",
      rejection: { code: "stamp_ahead", message: "no", path: "/stamps/n", stored: null },
    });
    const [sent] = await freeze();
    expect(sent).toMatchObject({
      updated_at: formatStamp(at(1_000)),
      life: 1,
      stamps: { n: formatStamp(at(1_000)), shelf: "2026-11-24T09:59:59.5Z" },
    });
  });
});

describe("[CLIENT-31] what is held is news to a server", () => {
  const other = shelf();
  test.each([
    ["with a greater life", shelf({ value: null, fieldState: { life: 2, stamps: {} } })],
    ["with another value", shelf({ value: json({ n: 2, shelf: "A" }) })],
    [
      "with a field that the other has not",
      shelf({
        value: json({ n: 1, shelf: "A", x: 0 }),
        fieldState: {
          life: 1,
          stamps: { ...other.fieldState?.stamps, x: formatStamp(at(-300)) },
        },
      }),
    ],
  ])("%s", (_, version) => {
    expect(isNewsTo(other, version)).toBe(true);
  });

  test("and not where it is the same, or of an earlier life", () => {
    expect(isNewsTo(other, shelf({ seq: 3, value: json({ shelf: "A", n: 1 }) }))).toBe(false);
    const again = shelf({ fieldState: { life: 3, stamps: {} } });
    expect(isNewsTo(again, other)).toBe(false);
  });
});

test("[CLIENT-29] a dead letter that is sent again changes the fields that it changed", async () => {
  await hold(shelf());
  await record(patch(1, { n: 5, shelf: "A" }, "n"));
  await freeze();
  await settle({
    kind: "rejected",
    rejection: { code: "schema_mismatch", message: "no", path: "/value/n" },
  });
  const [letter] = await store.read((reader) => reader.scanDeadLetters(0, 10));
  const id = letter?.entry.id ?? 0;
  await store.transact((transaction) => retryDeadLetter(transaction, id, { editedAt: at(50) }));
  expect(await freeze()).toMatchObject([{ life: 1, value: { n: 5 } }]);
});
