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
  expect(client.cursor).toBe("c1.e0.2.-.batches");
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

  // Bob edited the record meanwhile: stale, so the dead stay dead.
  bob.edit(write({ key: "a", value: "{}", stamp: at("2026-01-03T10:00:00Z") }));
  bob.sync(space, quietly("2026-07-01T00:00:00Z"));
  expect(bob.resets).toEqual(["drop"]);
  expect(heldBy(bob).map(({ key }) => key)).toEqual(["b"]);
  expect(space.records().map(({ key }) => key)).toEqual(["b"]);
});
