import { describe, expect, test } from "vitest";
import type { StoredRecord } from "./record.ts";
import { ModelClient } from "../testing/model-client.ts";
import { countedDigest, ModelSpace } from "../testing/model-space.ts";
import { at, batches, readings, write } from "../testing/samples.ts";

const quietly = (now: string, limit = 100) => ({
  now: at(now),
  limit,
  bytesMax: 1_000,
  lostBytesMax: 1_000,
  between: () => {},
});
const heldBy = (client: ModelClient): readonly StoredRecord[] =>
  [...client.held.values()].map(({ record }) => record);

test("[PULL-2] an edit made before a reader's sync and sent after it is seen by that reader", () => {
  const space = new ModelSpace([readings]);
  const [ann, bob] = [new ModelClient(null), new ModelClient(null)];
  ann.edit(write({ key: "a", stamp: at("2026-11-24T10:00:00Z") }));
  bob.edit(write({ key: "b", stamp: at("2026-11-24T10:30:00Z") }));
  bob.sync(space, quietly("2026-11-24T11:00:00Z"));
  ann.sync(space, quietly("2026-11-24T12:00:00Z"));
  bob.sync(space, quietly("2026-11-24T12:01:00Z"));
  expect(heldBy(bob).map(({ key }) => key)).toEqual(["b", "a"]);
  expect(bob.resets).toEqual([]);
});

describe("records of one stamp", () => {
  const count = 7;

  test.each([1, 2, 3, count - 1, count, count + 1])(
    "[PULL-2] are read once each with limit %i, however many stand at a page's edge",
    (limit) => {
      const space = new ModelSpace([readings, batches]);
      const stamp = at("2026-11-24T10:00:00Z");
      const changes = Array.from({ length: count }, (_, index) =>
        write({ key: `k${index}`, stamp }),
      );
      space.push(changes, { now: stamp, checksClocks: true, lostBytesMax: 0 });

      const client = new ModelClient(null);
      let pages = 0;
      do {
        client.sync(space, quietly("2026-11-24T10:01:00Z", limit));
        pages += 1;
      } while (client.digests === null);
      expect(heldBy(client)).toEqual(space.records());
      expect(client.digests.get(readings)).toEqual(countedDigest(space.records(), readings));
      expect(pages).toBe(Math.ceil(count / limit));
    },
  );
});

test("[PULL-7] a reader whose collections nobody writes to moves to the head all the same", () => {
  const space = new ModelSpace([readings, batches]);
  const changes = [write({ key: "a" }), write({ key: "b" })];
  const client = new ModelClient([batches]);
  space.push(changes, { now: at("2026-11-24T12:00:00Z"), checksClocks: true, lostBytesMax: 0 });
  client.sync(space, quietly("2026-11-24T12:00:00Z", 1));
  expect(client.cursor).toBe("c1.000000000000000000e0.2.-.batches");
  expect(client.digests?.get(batches)).toEqual({ count: 0, sum: 0n });
});

test("[RESET-5] a device that slept through a purge does not keep what was deleted meanwhile", () => {
  const space = new ModelSpace([readings]);
  const [ann, bob] = [new ModelClient(null), new ModelClient(null)];
  ann.edit(write({ key: "a", stamp: at("2026-01-01T10:00:00Z") }));
  ann.edit(write({ key: "b", stamp: at("2026-01-01T10:00:00Z") }));
  ann.sync(space, quietly("2026-01-01T10:00:00Z"));
  bob.sync(space, quietly("2026-01-01T10:00:00Z"));
  ann.edit(write({ key: "a", value: null, stamp: at("2026-01-02T10:00:00Z") }));
  ann.sync(space, quietly("2026-01-02T10:00:00Z"));
  space.purge(at("2026-06-01T00:00:00Z"));
  expect(space.records().map(({ key }) => key)).toEqual(["b"]);

  // Bob had edited the record before: stale, so the dead stay dead.
  bob.edit(write({ key: "a", value: "{}", stamp: at("2026-01-02T09:00:00Z") }));
  bob.sync(space, quietly("2026-07-01T00:00:00Z"));
  expect(bob.resets).toEqual(["drop"]);
  expect(heldBy(bob).map(({ key }) => key)).toEqual(["b"]);
  expect(space.records().map(({ key }) => key)).toEqual(["b"]);
});

test("[PURGE-5] an edit made after a delete, by a device that had not heard of it, wins whether a purge came between or not", () => {
  const held = [false, true].map((isPurged) => {
    const space = new ModelSpace([readings]);
    const [ann, bob] = [new ModelClient(null), new ModelClient(null)];
    ann.edit(write({ key: "a", stamp: at("2026-01-01T10:00:00Z") }));
    ann.sync(space, quietly("2026-01-01T10:00:00Z"));
    bob.sync(space, quietly("2026-01-01T10:00:00Z"));
    ann.edit(write({ key: "a", value: null, stamp: at("2026-01-02T10:00:00Z") }));
    ann.sync(space, quietly("2026-01-02T10:00:00Z"));
    if (isPurged) space.purge(at("2026-06-01T00:00:00Z"));
    bob.edit(write({ key: "a", value: "{}", stamp: at("2026-01-03T10:00:00Z") }));
    bob.sync(space, quietly("2026-07-01T00:00:00Z"));
    return heldBy(bob).map(({ key, stamp, value }) => [key, stamp, value]);
  });
  expect(held[0]).toEqual([["a", at("2026-01-03T10:00:00Z"), "{}"]]);
  expect(held[1]).toEqual(held[0]);
});

describe("a backup, a mistake, and a restore that is final", () => {
  const keysOf = (records: readonly StoredRecord[]): readonly string[] =>
    records.map(({ key }) => key).toSorted();

  /** `ann` and `bob` hold the mistake and sleep; `carl` holds it, and comes at once. */
  const begin = () => {
    const space = new ModelSpace([readings]);
    const clients = [new ModelClient(null), new ModelClient(null), new ModelClient(null)] as const;
    const [ann, bob, carl] = clients;
    ann.edit(write({ key: "good", stamp: at("2026-01-01T10:00:00Z") }));
    ann.sync(space, quietly("2026-01-01T10:00:00Z"));
    const backup = space.image;
    space.reopen();
    carl.edit(write({ key: "mistake", stamp: at("2026-01-02T10:00:00Z") }));
    for (const client of [carl, ann, bob]) client.sync(space, quietly("2026-01-02T10:00:00Z"));
    return { space, ann, bob, carl, backup };
  };

  test("[RESET-10] those who held the mistake let go of it; what they had not sent comes in", () => {
    const { space, ann, bob, carl, backup } = begin();
    space.restore(backup, true);
    bob.edit(write({ key: "unsent", stamp: at("2026-01-02T11:00:00Z") }));
    for (const client of [carl, bob, ann]) client.sync(space, quietly("2026-01-03T10:00:00Z"));
    expect([ann, bob, carl].map(({ resets }) => resets)).toEqual([["drop"], ["drop"], ["drop"]]);
    expect(keysOf(space.records())).toEqual(["good", "unsent"]);
    expect(keysOf(heldBy(ann))).toEqual(["good", "unsent"]);
  });

  test("[RESET-2] after a restore that is not, they offer it", () => {
    const { space, ann, backup } = begin();
    space.restore(backup);
    for (let round = 0; round < 2; round += 1) ann.sync(space, quietly("2026-01-03T10:00:00Z"));
    expect(ann.resets).toEqual(["offer"]);
    expect(keysOf(space.records())).toEqual(["good", "mistake"]);
  });

  // Why the life stands in the epoch's name: both the mistake and what was written after the final
  // restore were made in epochs that the last backup has never heard of. No list of the server's
  // could tell them apart; the names that their holders bring can.
  test("[EPOCH-7] and one restore more, which is not: what came since is offered, the mistake is not", () => {
    const { space, ann, bob, carl, backup } = begin();
    space.restore(backup, true);
    carl.sync(space, quietly("2026-01-03T10:00:00Z"));
    const later = space.image;
    space.reopen();
    carl.edit(write({ key: "since", stamp: at("2026-01-04T10:00:00Z") }));
    carl.sync(space, quietly("2026-01-04T10:00:00Z"));
    space.restore(later);
    for (let round = 0; round < 2; round += 1) {
      for (const client of [ann, bob, carl]) client.sync(space, quietly("2026-01-05T10:00:00Z"));
    }
    expect(ann.resets).toEqual(["drop"]);
    expect(carl.resets).toEqual(["drop", "offer"]);
    expect(keysOf(space.records())).toEqual(["good", "since"]);
  });

  test("[EPOCH-7] and a restore of the first backup again, which is not: the mistake stays away", () => {
    const { space, ann, bob, carl, backup } = begin();
    space.restore(backup, true);
    carl.sync(space, quietly("2026-01-03T10:00:00Z"));
    space.restore(backup);
    for (let round = 0; round < 2; round += 1) {
      for (const client of [ann, bob, carl]) client.sync(space, quietly("2026-01-05T10:00:00Z"));
    }
    expect(bob.resets).toEqual(["drop"]);
    expect(keysOf(space.records())).toEqual(["good"]);
  });
});
