import type { JsonObject } from "@synchro/core";
import { beforeEach, expect, test } from "vitest";
import { edit, entriesOf, held, openStore } from "../../testing/outbox-samples.ts";
import { freezeBatch } from "../outbox/freeze-batch.ts";
import { recordEdits } from "../outbox/record-edits.ts";
import type { ClientStore } from "../store/client-store.ts";
import { collection, type Upgrade } from "./collection.ts";
import { t } from "./t.ts";
import { upgradeValues } from "./upgrade-values.ts";

let store: ClientStore;
beforeEach(async () => {
  store = await openStore();
});

const declare = (version: number, upgrade?: Upgrade) =>
  collection("readings", {
    fields: { n: t.json().optional() },
    version,
    ...(upgrade === undefined ? {} : { upgrade }),
  });

const noteVersion: Upgrade = (value, from) => ({ ...value, from });

const upgrade = (...collections: readonly ReturnType<typeof declare>[]) =>
  store.transact((transaction) => upgradeValues(transaction, collections));

const rejection = { code: "bad_value", message: "no", path: "" } as const;

/** Records, an edit that was sent, one that was not, and a dead letter. */
const fill = () =>
  store.transact(async (transaction) => {
    const many = Array.from({ length: 1_001 }, (_, index) => held(`k${index}`));
    await transaction.putRecords([...many, held("gone", { value: null })]);
    await transaction.putRecords([held("k0", { collection: "others" as never })]);
    await recordEdits(transaction, [edit("a", 1)]);
    await freezeBatch(transaction, { entriesMax: 1, bytesMax: 1e6, clockOffsetMs: 0 });
    const [, unsent] = await recordEdits(transaction, [
      edit("b", 2),
      edit("c", 3, { value: null }),
    ]);
    await transaction.putDeadLetters([
      { entry: { ...unsent!, id: 9, value: '{"n":9}' }, rejection, refusedAt: unsent!.editedAt },
    ]);
  });

const valuesOf = async () =>
  store.read(async (reader) => {
    const records = await reader.scanRecords("readings" as never, { after: null, limit: 9_999 });
    return {
      records: new Set(records.map(({ value }) => value)),
      letters: (await reader.scanDeadLetters(0, 9)).map(({ entry }) => [
        entry.value,
        entry.schemaVersion,
      ]),
      ...(await reader.getMeta(["schemaVersions"])),
    };
  });

test("an upgrade that throws, or makes what may not be kept, changes nothing", async () => {
  await fill();
  const before = await valuesOf();
  const entries = await entriesOf(store);
  let calls = 0;
  const failing: readonly (readonly [Upgrade, string])[] = [
    [
      (value) => {
        calls += 1;
        if (calls > 700) throw new RangeError("in the middle");
        return { ...value, n: 0 };
      },
      "in the middle",
    ],
    [() => ({ _reserved: 1 }), "must not start with _"],
    [() => JSON.parse('{"__proto__":1}') as JsonObject, "must not have that name"],
    [() => ({ note: "x".repeat(300_000) }), "at most 262144 bytes"],
  ];
  for (const [each, message] of failing) {
    await expect(upgrade(declare(2, each))).rejects.toThrow(message);
    expect(await valuesOf()).toEqual(before);
    expect(await entriesOf(store)).toEqual(entries);
  }
});

test("records, edits that were never sent and dead letters are upgraded; what was sent stays to the byte", async () => {
  await fill();
  await upgrade(declare(2, noteVersion));
  expect(await valuesOf()).toEqual({
    records: new Set(['{"held":true,"from":1}', null]),
    letters: [['{"n":9,"from":1}', 2]],
    schemaVersions: { readings: 2 },
  });
  const entries = await entriesOf(store);
  expect(entries.map(({ value, schemaVersion }) => [value, schemaVersion])).toEqual([
    ['{"n":1}', 1],
    ['{"n":2,"from":1}', 2],
    [null, 2],
  ]);
  const [other] = await store.read((reader) =>
    reader.getRecords([held("k0", { collection: "others" as never })]),
  );
  expect(other?.value).toBe('{"held":true}');
});

test("runs once, from the version at hand, and not at all in a new store", async () => {
  await upgrade(declare(1));
  await fill();
  await upgrade(declare(3, noteVersion));
  await upgrade(declare(3, noteVersion));
  expect((await valuesOf()).records).toEqual(new Set(['{"held":true,"from":1}', null]));
  await upgrade(declare(4, noteVersion));
  expect((await valuesOf()).records).toEqual(new Set(['{"held":true,"from":3}', null]));
  store = await openStore();
  await upgrade(declare(4, noteVersion));
  expect((await valuesOf()).schemaVersions).toEqual({ readings: 4 });
});

test("what was sent under an older declaration and came back refused is upgraded at the next opening", async () => {
  await fill();
  await upgrade(declare(2, noteVersion));
  await store.transact(async (transaction) => {
    const [sent] = await transaction.getEntries([1]);
    await transaction.deleteEntries([1]);
    await transaction.putDeadLetters([{ entry: sent!, rejection, refusedAt: sent!.editedAt }]);
  });
  await upgrade(declare(2, noteVersion));
  expect((await valuesOf()).letters).toEqual([
    ['{"n":1,"from":1}', 2],
    ['{"n":9,"from":1}', 2],
  ]);
});

test("what a newer program has upgraded is refused, and not touched", async () => {
  await fill();
  await upgrade(declare(3, noteVersion));
  const before = await valuesOf();
  await expect(upgrade(declare(2, noteVersion))).rejects.toMatchObject({ code: "newer_schema" });
  expect(await valuesOf()).toEqual(before);
});
