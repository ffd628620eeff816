import { parseStamp, type SpaceId, type Stamp } from "@synchro/core";
import type { Change, V1Answer, V1Record } from "@synchro/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { listV1, sent, shown, syncV1 } from "../../../testing/v1-requests.ts";
import { deletion, pull, push, reading } from "../../../testing/v2-requests.ts";
import { systemRuntime } from "../../system-runtime.ts";

let server: TestServer;
let shops = 0;
/** Each test has a shop of its own. */
let shop: string;

const clock = parseStamp("2026-11-26T12:00:00Z") as Stamp;

beforeAll(async () => {
  server = await startTestServer({ runtime: { ...systemRuntime, now: () => clock } });
});
beforeEach(() => {
  shops += 1;
  shop = `shop-${shops}`;
});
afterAll(() => server.stop());

const monday = "2026-11-23T10:00:00Z";
const tuesday = "2026-11-24T10:00:00Z";
const wednesday = "2026-11-25T10:00:00Z";

/** A sync since a date: nothing is said of cursors. */
const since = (date: string, ...records: readonly V1Record[]): Promise<V1Answer> =>
  syncV1(server, shop, { last_sync_date: date, newly_created_records: records });

const from = (cursor: string, ...records: readonly V1Record[]): Promise<V1Answer> =>
  syncV1(server, shop, { cursor, newly_created_records: records });

const apply = async (...changes: readonly Change[]): Promise<void> => {
  const { results } = await push(server, changes, shop);
  expect(results).toEqual(changes.map(() => ({ seq: expect.any(Number) })));
};

/** Stores records, and gives the cursor after them. */
const cursorAfter = async (...records: readonly V1Record[]): Promise<string> => {
  const { cursor } = await from("", ...records);
  if (cursor === undefined) throw new Error("no cursor");
  return cursor;
};

describe("[V1-21] a cursor that is not valid here gets all, and reset", () => {
  test.each([
    ["no cursor at all", "rubbish"],
    ["a number", "4711"],
    ["of another server", "c1.0123456789abcdef.2.-.readings"],
    ["of a version to come", "c9.x.y.z"],
    ["with control characters", "\u0001\u0002"],
    ["as long as a cursor may be", "c".repeat(8_192)],
  ])("it is %s", async (_, cursor) => {
    const valid = await cursorAfter(sent("a", tuesday), sent("b", monday));
    expect(await from(cursor)).toMatchObject({
      data: [shown("a", tuesday), shown("b", monday)],
      cursor: valid,
      reset: true,
    });
  });

  test("it is ahead of this shop: one of a backup that was restored", async () => {
    const valid = await cursorAfter(sent("a", tuesday));
    const ahead = valid.replace(/\.1\./, ".2.");
    expect(ahead).not.toBe(valid);
    expect(await from(ahead)).toMatchObject({ data: [shown("a", tuesday)], reset: true });
  });

  test("it is another shop's, whose data had another life", async () => {
    const cursor = await cursorAfter(sent("a", monday));
    const empty = await syncV1(server, `${shop}-empty`, { cursor });
    expect(empty).toMatchObject({ data: [], cursor: "", reset: true });
  });

  test("it is a cursor of /v2 over other collections", async () => {
    const valid = await cursorAfter(sent("a", monday));
    const { cursor } = await pull(server, {}, shop);
    expect(await from(cursor ?? "")).toMatchObject({
      data: [shown("a", monday)],
      cursor: valid,
      reset: true,
    });
  });

  test("it is older than what was purged", async () => {
    const before = await cursorAfter(sent("a", monday), sent("b", monday));
    await apply(deletion("a", tuesday));
    await server.store.purge(shop as SpaceId, "2026-12-01T00:00:00.000000Z" as Stamp);
    const answer = await from(before);
    expect(answer).toMatchObject({ data: [shown("b", monday)], reset: true });
    expect(await from(answer.cursor ?? "")).not.toHaveProperty("reset");
  });

  test("records sent are applied all the same, and not echoed", async () => {
    await cursorAfter(sent("a", tuesday));
    const answer = await from("rubbish", sent("b", monday), sent("a", monday));
    expect(answer).toMatchObject({ data: [shown("a", tuesday)], reset: true });
    expect((await listV1(server, shop)).data).toEqual([shown("a", tuesday), shown("b", monday)]);
  });

  test("the date beside it is ignored", async () => {
    await cursorAfter(sent("a", monday));
    const answer = await syncV1(server, shop, { last_sync_date: wednesday, cursor: "rubbish" });
    expect(answer).toMatchObject({ data: [shown("a", monday)], reset: true });
  });
});

describe("[V1-21] a cursor decides what is returned", () => {
  test("a late arrival is included, which a date would leave out", async () => {
    // B syncs at 11:00. A has edited at 10:00, offline, and comes online after that.
    const cursor = await cursorAfter(sent("b", "2026-11-24T10:59:00Z"));
    await since("1970-01-01", sent("a", "2026-11-24T10:00:00Z"));
    expect((await since("2026-11-24T11:00:00Z")).data).toEqual([]);
    expect((await from(cursor)).data).toEqual([shown("a", "2026-11-24T10:00:00Z")]);
  });

  test("empty asks for all", async () => {
    await cursorAfter(sent("a", monday), sent("b", tuesday));
    const answer = await from("");
    expect(answer.data).toEqual([shown("b", tuesday), shown("a", monday)]);
    expect(answer).not.toHaveProperty("reset");
  });

  test("null is none: the date decides", async () => {
    await cursorAfter(sent("a", monday), sent("b", tuesday));
    const answer = await syncV1(server, shop, { last_sync_date: monday, cursor: null });
    expect(answer.data).toEqual([shown("b", tuesday)]);
  });

  test("the date is ignored, whatever it is", async () => {
    const cursor = await cursorAfter(sent("a", monday));
    await since("1970-01-01", sent("b", tuesday));
    for (const date of ["1970-01-01", monday, "9999-12-31T23:59:59.999999Z"]) {
      const answer = await syncV1(server, shop, { last_sync_date: date, cursor });
      expect(answer.data).toEqual([shown("b", tuesday)]);
    }
  });

  test("nothing new: nothing is returned, and the cursor is the same", async () => {
    const cursor = await cursorAfter(sent("a", monday));
    expect(await from(cursor)).toMatchObject({ data: [], cursor });
  });

  test("what changed several times comes once, as it stands", async () => {
    const cursor = await cursorAfter(sent("a", monday));
    await since("1970-01-01", sent("a", tuesday));
    await since("1970-01-01", sent("a", wednesday));
    expect((await from(cursor)).data).toEqual([shown("a", wednesday)]);
  });

  test("[V1-6] what is new comes newest stamp first, not in the order of arrival", async () => {
    const cursor = await cursorAfter();
    for (const [gtin, stamp] of [
      ["c", tuesday],
      ["a", wednesday],
      ["d", monday],
      ["b", tuesday],
    ] as const) {
      await since("1970-01-01", sent(gtin, stamp));
    }
    expect((await from(cursor)).data.map(({ gtin }) => gtin)).toEqual(["a", "b", "c", "d"]);
  });

  test("[V1-5] one's own records are not returned, nor later from the cursor of that answer", async () => {
    const before = await cursorAfter(sent("a", monday));
    const { data, cursor = "" } = await from(before, sent("b", tuesday));
    expect(data).toEqual([]);
    expect((await from(cursor)).data).toEqual([]);
    // From the older cursor it is new: the server knows no clients, only cursors.
    expect((await from(before)).data).toEqual([shown("b", tuesday)]);
  });

  test("[V1-9] a record that beats one sent is returned, however old its seq", async () => {
    const cursor = await cursorAfter(sent("a", tuesday), sent("c", monday));
    await since("1970-01-01", sent("b", wednesday));
    const { data } = await from(cursor, sent("a", monday), sent("d", tuesday));
    expect(data).toEqual([shown("b", wednesday), shown("a", tuesday)]);
  });

  test("[V1-17] a delete moves it, and is not shown", async () => {
    const before = await cursorAfter(sent("a", monday), sent("b", monday));
    await apply(deletion("a", tuesday));
    const after = await from(before);
    expect(after.data).toEqual([]);
    expect(after.cursor).not.toBe(before);
  });

  test("a change to another collection moves it, and is not shown", async () => {
    const before = await cursorAfter(sent("a", monday));
    await apply({
      collection: "batches",
      key: "b",
      updated_at: monday,
      value: { gtin: "a", expiration_date: "2026-12-01" },
    });
    const after = await from(before);
    expect(after.data).toEqual([]);
    expect(after.cursor).not.toBe(before);
  });

  test("an empty shop gives an empty one, and that brings all that comes", async () => {
    const { cursor } = await from("");
    expect(cursor).toBe("");
    await since("1970-01-01", sent("a", monday));
    expect((await from("")).data).toEqual([shown("a", monday)]);
  });

  test("[PULL-18] it has no character that a query or a header would alter", async () => {
    const cursor = await cursorAfter(sent("a", monday));
    expect(encodeURIComponent(cursor)).toBe(cursor);
  });
});

describe("[V1-22] without a cursor in the request", () => {
  test("there is none in the answer if the date withheld a record", async () => {
    await cursorAfter(sent("a", monday), sent("b", tuesday));
    for (const date of [monday, tuesday, "9999-12-31"]) {
      expect(await since(date)).not.toHaveProperty("cursor");
    }
  });

  test("there is none if a record at the very instant of the date was withheld", async () => {
    await cursorAfter(sent("a", monday));
    expect(await since(monday)).not.toHaveProperty("cursor");
    expect(await since("2026-11-23T09:59:59.999999Z")).toHaveProperty("cursor");
  });

  test("there is one if nothing was withheld, and it is the one that a cursor would have got", async () => {
    const cursor = await cursorAfter(sent("a", monday), sent("b", tuesday));
    expect((await since("1970-01-01")).cursor).toBe(cursor);
    expect((await listV1(server, shop)).cursor).toBe(cursor);
  });

  test("a record that was sent, or beat one sent, is not withheld, however old it is", async () => {
    const created = await since(wednesday, sent("a", monday));
    expect(created.data).toEqual([]);
    expect(created.cursor).toBeDefined();
    const lost = await since(wednesday, sent("a", "2026-11-01"));
    expect(lost.data).toEqual([shown("a", monday)]);
    expect(lost.cursor).toBe(created.cursor);
  });

  test("one that neither was sent nor is new is withheld, beside any number that are", async () => {
    await cursorAfter(sent("a", monday), sent("b", tuesday), sent("c", wednesday));
    const answer = await since(tuesday, sent("b", monday));
    expect(answer.data.map(({ gtin }) => gtin)).toEqual(["c", "b"]);
    expect(answer).not.toHaveProperty("cursor");
  });

  test("a deleted record is not withheld by the date: /v1 never shows it", async () => {
    await cursorAfter(sent("a", monday), sent("b", wednesday));
    await apply(deletion("a", tuesday));
    expect(await since(tuesday)).toHaveProperty("cursor");
  });

  test("a record that lost to a deleted one withholds nothing", async () => {
    await apply(deletion("a", tuesday), reading("b", wednesday));
    const answer = await since(tuesday, sent("a", monday));
    expect(answer.data).toEqual([shown("b", wednesday)]);
    expect(answer.cursor).toBeDefined();
  });

  test("a gtin that was sent twice is counted once", async () => {
    await cursorAfter(sent("withheld", monday));
    const answer = await since(wednesday, sent("a", monday), sent("a", tuesday));
    expect(answer).not.toHaveProperty("cursor");
  });

  test("records of other collections are not withheld: /v1 does not serve them", async () => {
    await apply(reading("a", wednesday), {
      collection: "batches",
      key: "b",
      updated_at: monday,
      value: { gtin: "a", expiration_date: "2026-12-01" },
    });
    expect((await since(tuesday)).cursor).toBeDefined();
  });

  test("a cursor got so loses nothing that comes later", async () => {
    const { cursor = "" } = await since(wednesday, sent("a", monday));
    await since("1970-01-01", sent("late", "2000-01-01"));
    expect((await from(cursor)).data).toEqual([shown("late", "2000-01-01T00:00:00Z")]);
  });
});

test("[V1-22] a request with a cursor always gets one", async () => {
  const cursor = await cursorAfter(sent("a", monday));
  for (const asked of ["", cursor, "rubbish"]) {
    expect(
      (await syncV1(server, shop, { cursor: asked, last_sync_date: "9999-01-01" })).cursor,
    ).toBe(cursor);
  }
});
