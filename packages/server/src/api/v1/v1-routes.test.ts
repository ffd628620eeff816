import { parseStamp, type Stamp } from "@synchro/core";
import type { Change, V1Record } from "@synchro/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { listV1, postV1, sent, shown, syncPath, syncV1 } from "../../../testing/v1-requests.ts";
import {
  deletion,
  get,
  problemOf,
  pull,
  push,
  reading,
  replyOf,
} from "../../../testing/v2-requests.ts";
import { systemRuntime } from "../../system-runtime.ts";

let server: TestServer;
let shops = 0;
/** Each test has a shop of its own. */
let shop: string;

const clock = parseStamp("2026-11-26T12:00:00.5Z") as Stamp;

beforeAll(async () => {
  server = await startTestServer({ runtime: { ...systemRuntime, now: () => clock } });
});
beforeEach(() => {
  shops += 1;
  shop = `shop-${shops}`;
});
afterAll(() => server.stop());

const store = (...records: readonly V1Record[]) =>
  syncV1(server, shop, { last_sync_date: "9999-01-01", newly_created_records: records });

/** What a client gets that last synced at `date` and sends `records`. */
const syncSince = async (date: string, ...records: readonly V1Record[]) => {
  const answer = await syncV1(server, shop, {
    last_sync_date: date,
    newly_created_records: records,
  });
  return answer.data;
};

/** Changes through /v2, all of them applied. */
const apply = async (...changes: readonly Change[]): Promise<void> => {
  const { results } = await push(server, changes, shop);
  expect(results).toEqual(changes.map(() => ({ seq: expect.any(Number) })));
};

const stored = async () => (await listV1(server, shop)).data;

const storedValue = async (key: string): Promise<unknown> =>
  (await pull(server, { collections: "readings" }, shop)).changes.find(
    (record) => record.key === key,
  );

type ShownEvidence = { readonly evidence: readonly { readonly [member: string]: unknown }[] };

const evidence = async (key: string) => {
  const path = `/v2/spaces/${shop}/evidence?collection=readings&key=${key}`;
  return ((await get(server, path)).json as ShownEvidence).evidence;
};

const monday = "2026-11-23T10:00:00Z";
const tuesday = "2026-11-24T10:00:00Z";
const wednesday = "2026-11-25T10:00:00Z";

describe("a request that is not the origin's", () => {
  test.each([
    ["GET", "/v1/sync/", "POST, OPTIONS"],
    ["GET", "/v1/sync", "POST, OPTIONS"],
    ["PUT", "/v1/sync/", "POST, OPTIONS"],
    ["DELETE", "/v1/sync", "POST, OPTIONS"],
    ["POST", "/v1/readings/", "GET, OPTIONS"],
    ["POST", "/v1/readings", "GET, OPTIONS"],
    ["PATCH", "/v1/readings/", "GET, OPTIONS"],
    ["POST", "/v1/readings/stream", "GET, OPTIONS"],
  ])("[V1-1] %s %s is 405 with Allow: %s", async (method, path, allow) => {
    const reply = await replyOf(await fetch(`${server.url}${path}`, { method }));
    expect(problemOf(reply, 405).code).toBe("method_not_allowed");
    expect(reply.headers.get("allow")).toBe(allow);
  });

  test.each(["/v1/", "/v1/reading", "/v1/readings/test_4", "/v1/sync/all", "/V1/sync/"])(
    "%s is 404",
    async (path) => {
      expect(problemOf(await postV1(server, path, {}), 404).code).toBe("not_found");
    },
  );

  test("of another media type is 415, and nothing is applied", async () => {
    const record = JSON.stringify(sent("a", monday));
    const reply = await replyOf(
      await fetch(`${server.url}${syncPath(shop)}`, {
        method: "POST",
        headers: { "content-type": "text/plain" },
        body: `{"last_sync_date":"1970-01-01","newly_created_records":[${record}]}`,
      }),
    );
    expect(problemOf(reply, 415).code).toBe("unsupported_media_type");
    expect(await stored()).toEqual([]);
  });
});

describe("both ends", () => {
  test.each(["/v1/sync/", "/v1/sync"])("[V1-1] POST %s", async (path) => {
    const reply = await postV1(server, `${path}?shop=${shop}`, { last_sync_date: "1970-01-01" });
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(reply.headers.get("cache-control")).toBe("no-store");
  });

  test.each(["/v1/readings/", "/v1/readings"])("[V1-1] GET %s", async (path) => {
    const reply = await get(server, `${path}?shop=${shop}`);
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(reply.headers.get("cache-control")).toBe("no-store");
  });

  test("[V1-2] [V1-3] the origin's two calls, as its README has them", async () => {
    const body = `{
    "last_sync_date": "2021-10-10T10:40:10",
    "newly_created_records": [{"gtin": "test_4", "updated_at": "2021-11-12T01:11:00", "expiration_date": "2022-05-01T01:11:00"}]
}`;
    const answer = await postV1(server, syncPath(shop), body);
    expect(answer.text).toMatch(/^\{"data":\[\],"now":"[^"]+","cursor":"[^"]+"\}$/);
    const { text } = await get(server, `/v1/readings/?shop=${shop}`);
    expect(text).toMatch(
      /^\{"data":\[\{"gtin":"test_4","updated_at":"2021-11-12T01:11:00Z","expiration_date":"2022-05-01T01:11:00Z"\}\],"now":"[^"]+","cursor":"[^"]+"\}$/,
    );
  });

  test("[V1-2] an empty shop answers with nothing", async () => {
    expect(await syncSince("1970-01-01")).toEqual([]);
    expect(await stored()).toEqual([]);
  });

  test("[V1-2] newly_created_records may be left out, and be empty", async () => {
    await store(sent("a", tuesday));
    const since = await syncV1(server, shop, { last_sync_date: monday });
    expect(since.data).toEqual([shown("a", tuesday)]);
    expect(await syncSince(monday)).toEqual(since.data);
  });

  test("[V1-2] members that the origin does not know are ignored and not stored", async () => {
    const body = {
      last_sync_date: "1970-01-01",
      shop: "elsewhere",
      newly_created_records: [{ ...sent("a", monday), note: "top shelf", id: 7 }],
    };
    expect((await postV1(server, syncPath(shop), body)).status).toBe(200);
    expect(await storedValue("a")).toMatchObject({ value: { expiration_date: "2026-12-01" } });
    expect(await storedValue("a")).not.toHaveProperty("value.note");
  });

  test("[V1-15] [V1-20] every answer carries now, the server's clock", async () => {
    const { now } = await syncV1(server, shop, { last_sync_date: "1970-01-01" });
    expect(now).toBe("2026-11-26T12:00:00.500000Z");
    expect((await listV1(server, shop)).now).toBe(now);
  });
});

describe("a record sent, where", () => {
  test("[V1-9] the stored one is newer: it stays, and is returned even if older than last_sync_date", async () => {
    await store(sent("a", tuesday, "2026-12-02"));
    const returned = await syncSince(wednesday, sent("a", monday, "2026-12-01"));
    expect(returned).toEqual([shown("a", tuesday, "2026-12-02T00:00:00Z")]);
    expect(await stored()).toEqual(returned);
  });

  test("[V1-9] newer by a microsecond is newer", async () => {
    await store(sent("a", "2026-11-24T10:00:00.000001Z", "2026-12-02"));
    const returned = await syncSince(wednesday, sent("a", tuesday, "2026-12-01"));
    expect(returned).toEqual([shown("a", "2026-11-24T10:00:00.000001Z", "2026-12-02T00:00:00Z")]);
  });

  test("[V1-9] the stored one is newer and has the same date: it is returned, for its stamp", async () => {
    await store(sent("a", tuesday));
    expect(await syncSince(wednesday, sent("a", monday))).toEqual([shown("a", tuesday)]);
  });

  test("[V1-11] the stamp is equal and the content another: the stored one stays and is returned", async () => {
    await store(sent("a", tuesday, "2026-12-02"));
    for (const date of ["2026-12-01", "2026-12-03"]) {
      const returned = await syncSince(wednesday, sent("a", tuesday, date));
      expect(returned).toEqual([shown("a", tuesday, "2026-12-02T00:00:00Z")]);
    }
    expect(await stored()).toEqual([shown("a", tuesday, "2026-12-02T00:00:00Z")]);
  });

  test("[V1-10] stamp and content are equal: nothing changes and nothing is returned", async () => {
    const { cursor } = await store(sent("a", tuesday));
    const again = await store(sent("a", tuesday));
    expect(again.data).toEqual([]);
    expect(again.cursor).toBe(cursor);
    expect(await evidence("a")).toEqual([]);
  });

  test("[V1-5] [V1-10] equal is equal as an instant, however it is written: no echo", async () => {
    await store(sent("a", "2026-11-24T12:00:00+02:00", "2026-12-01T02:00+02"));
    for (const [stamp, date] of [
      ["2026-11-24T10:00:00Z", "2026-12-01"],
      ["2026-11-24 10:00", "2026-12-01T00:00:00.0000009"],
      ["2026-11-24T05:30:00.000000999-0430", "2026-11-30T23:00:00-01:00"],
    ] as const) {
      expect(await syncSince("1970-01-01", sent("a", stamp, date))).toEqual([]);
    }
    expect(await storedValue("a")).toMatchObject({
      value: { expiration_date: "2026-12-01T02:00+02" },
    });
  });

  test("[V1-7] none is stored: it is created and not returned", async () => {
    expect(await syncSince("1970-01-01", sent("a", monday))).toEqual([]);
    expect(await stored()).toEqual([shown("a", monday)]);
  });

  test("[V1-8] the stored one is older: it is replaced and not returned", async () => {
    await store(sent("a", monday, "2026-12-01"));
    expect(await syncSince("1970-01-01", sent("a", tuesday, "2026-12-02"))).toEqual([]);
    expect(await stored()).toEqual([shown("a", tuesday, "2026-12-02T00:00:00Z")]);
  });

  test("[V1-8] a stamp far ahead of the server's clock is kept as sent, and beats all later ones", async () => {
    await store(sent("a", "9999-12-31T23:59:59.999999Z"));
    expect(await syncSince("9999-12-31", sent("a", wednesday))).toEqual([
      shown("a", "9999-12-31T23:59:59.999999Z"),
    ]);
  });
});

describe("data", () => {
  test("[V1-5] holds what is strictly after last_sync_date", async () => {
    await store(sent("a", "2026-11-24T09:59:59.999999Z"));
    await store(sent("b", tuesday));
    await store(sent("c", "2026-11-24T10:00:00.000001Z"));
    expect((await syncSince(tuesday)).map(({ gtin }) => gtin)).toEqual(["c"]);
    expect((await syncSince("2026-11-24T12:00:00+02:00")).map(({ gtin }) => gtin)).toEqual(["c"]);
    expect((await syncSince("2026-11-24T09:59:59.999999")).map(({ gtin }) => gtin)).toEqual([
      "c",
      "b",
    ]);
  });

  test("[V1-5] the first sync, from 1970-01-01, brings all that is there", async () => {
    await store(sent("a", tuesday), sent("b", monday), sent("c", "1970-01-01T00:00:00.000001Z"));
    expect(await syncSince("1970-01-01T00:00:00")).toEqual([
      shown("a", tuesday),
      shown("b", monday),
      shown("c", "1970-01-01T00:00:00.000001Z"),
    ]);
  });

  test("[V1-5] one's own records are not returned, those of others are", async () => {
    await store(sent("theirs", tuesday));
    const returned = await syncSince(monday, sent("mine", wednesday));
    expect(returned).toEqual([shown("theirs", tuesday)]);
    // Nor are they kept from anybody else, however soon: only this request has sent them.
    expect(await syncSince(monday)).toEqual([shown("mine", wednesday), shown("theirs", tuesday)]);
  });

  test("[V1-6] is in the order of stamps, newest first, ties by gtin in code points", async () => {
    // By UTF-16 units U+1F600 would come before U+FFFD; by the alphabet é before z.
    const gtins = ["\u{1F600}", "\uFFFD", "é", "z", "a", "Z", "10", "9", " "];
    await store(...gtins.map((gtin) => sent(gtin, tuesday)), sent("late", wednesday));
    await store(sent("early", monday));
    const ordered = ["late", " ", "10", "9", "Z", "a", "z", "é", "\uFFFD", "\u{1F600}", "early"];
    expect((await stored()).map(({ gtin }) => gtin)).toEqual(ordered);
    expect((await syncSince("1970-01-01")).map(({ gtin }) => gtin)).toEqual(ordered);
  });

  test("[V1-6] keeps this order where records that beat the ones sent come from before the date", async () => {
    for (const [gtin, stamp] of [
      ["a", "2026-11-20T00:00:00Z"],
      ["b", "2026-11-21T00:00:00Z"],
      ["c", "2026-11-22T00:00:00Z"],
      ["d", tuesday],
      ["e", wednesday],
    ] as const) {
      await store(sent(gtin, stamp));
    }
    const stale = ["a", "c", "e", "b"].map((gtin) => sent(gtin, "2026-11-01"));
    const returned = await syncSince(monday, ...stale);
    expect(returned.map(({ gtin }) => gtin)).toEqual(["e", "d", "c", "b", "a"]);
  });
});

describe("several records in a request", () => {
  test("[V1-9] that all lose, however many: each record that stayed is returned", async () => {
    const gtins = Array.from({ length: 1_000 }, (_, index) => `gtin-${index + 1_000}`);
    await store(...gtins.map((gtin) => sent(gtin, tuesday, "2026-12-02")));
    const returned = await syncSince(wednesday, ...gtins.map((gtin) => sent(gtin, monday)));
    expect(returned).toEqual(gtins.map((gtin) => shown(gtin, tuesday, "2026-12-02T00:00:00Z")));
  });

  test("[V1-4] are judged each alone: one may lose while its neighbours stand", async () => {
    await store(sent("b", wednesday));
    const returned = await syncSince(
      wednesday,
      sent("a", tuesday),
      sent("b", tuesday),
      sent("c", tuesday),
    );
    expect(returned).toEqual([shown("b", wednesday)]);
    expect((await stored()).map(({ gtin }) => gtin)).toEqual(["b", "a", "c"]);
  });

  test("[V1-4] are all applied, however large the records are that beat some of them", async () => {
    const large = { expiration_date: "2026-12-01", picture: "x".repeat(250_000) };
    const gtins = Array.from({ length: 20 }, (_, index) => `large-${index}`);
    for (const gtin of gtins) {
      await apply(reading(gtin, wednesday, { value: large }));
    }
    const returned = await syncSince(
      wednesday,
      ...gtins.map((gtin) => sent(gtin, monday)),
      sent("after-them", monday),
    );
    expect(returned).toHaveLength(20);
    expect((await stored()).map(({ gtin }) => gtin)).toContain("after-them");
  });

  test("[V1-4] are one transaction: a reader sees all of them or none", async () => {
    await store(sent("a", monday), sent("b", monday));
    for (let round = 10; round < 30; round += 1) {
      const stamp = `2026-11-24T10:00:${round}Z`;
      const [, ...reads] = await Promise.all([
        store(sent("a", stamp), sent("b", stamp)),
        stored(),
        stored(),
        stored(),
      ]);
      for (const [a, b] of reads) expect(a?.updated_at).toBe(b?.updated_at);
    }
  });

  test.each([
    ["older, then newer", [monday, tuesday], tuesday],
    ["newer, then older", [tuesday, monday], tuesday],
  ])("[V1-12] the same gtin twice, %s: the newer stands", async (_, stamps, winner) => {
    const { cursor: before = "" } = await store(sent("other", monday));
    const records = stamps.map((stamp, index) => sent("a", stamp, `2026-12-0${index + 1}`));
    const day = stamps.indexOf(winner) + 1;
    expect(await syncSince("1970-01-01", ...records)).toEqual([shown("other", monday)]);
    expect(await stored()).toContainEqual(shown("a", winner, `2026-12-0${day}T00:00:00Z`));
    // Whoever was there before gets the record once, as it stands.
    const news = await syncV1(server, shop, { cursor: before });
    expect(news.data).toHaveLength(1);
  });

  test("[V1-12] the same gtin twice with one stamp: the first stands, and echoes neither", async () => {
    const records = [sent("a", monday, "2026-12-01"), sent("a", monday, "2026-12-02")];
    expect(await syncSince("1970-01-01", ...records)).toEqual([]);
    expect(await stored()).toEqual([shown("a", monday)]);
  });

  test("[V1-12] takes one seq for a gtin that stands twice", async () => {
    await store(sent("a", monday), sent("b", monday), sent("a", tuesday));
    const { digest } = await pull(server, {}, shop);
    expect(digest?.at).toBe(2);
  });
});

describe("deleted records (which only /v2 can make)", () => {
  const deleteAt = (stamp: string) => apply(deletion("a", stamp));

  test("[V1-17] are never returned, neither listed nor synced", async () => {
    await store(sent("a", monday), sent("b", monday));
    const { cursor = "" } = await listV1(server, shop);
    await deleteAt(tuesday);
    expect(await stored()).toEqual([shown("b", monday)]);
    expect(await syncSince("1970-01-01")).toEqual([shown("b", monday)]);
    expect((await syncV1(server, shop, { cursor })).data).toEqual([]);
    expect((await syncV1(server, shop, { cursor: "" })).data).toEqual([shown("b", monday)]);
  });

  test.each([
    ["older", monday],
    ["equally old", tuesday],
  ])("[V1-17] one sent that is %s loses silently", async (_, stamp) => {
    await store(sent("a", "2026-11-01"));
    await deleteAt(tuesday);
    expect(await syncSince("1970-01-01", sent("a", stamp))).toEqual([]);
    expect(await stored()).toEqual([]);
    expect(await evidence("a")).toContainEqual(
      expect.objectContaining({ reason: "superseded", updated_at: stamp }),
    );
  });

  test("[V1-17] one sent that is newer creates again, without what the old one held", async () => {
    const value = { expiration_date: "2026-12-01", note: "of the old one" };
    await apply(reading("a", monday, { value }));
    await deleteAt(tuesday);
    expect(await syncSince("1970-01-01", sent("a", wednesday, "2026-12-03"))).toEqual([]);
    expect(await stored()).toEqual([shown("a", wednesday, "2026-12-03T00:00:00Z")]);
    expect(await storedValue("a")).not.toHaveProperty("value.note");
  });
});

describe("beside /v2", () => {
  const value = {
    gtin: "a",
    expiration_date: "2026-12-01",
    quantity: 12.5,
    location: "aisle 4, shelf 2",
    note: "ask Ann",
    supplier: { name: "Dairy & Sons", batch: ["x", null, { deep: true }] },
  };

  test("[V1-13] a write keeps the stored value's other members", async () => {
    await apply(reading("a", monday, { value }));
    await store(sent("a", tuesday, "2026-12-24 08:00"));
    expect(await storedValue("a")).toMatchObject({
      updated_at: "2026-11-24T10:00:00Z",
      value: { ...value, expiration_date: "2026-12-24 08:00" },
    });
  });

  test("[V1-13] a write that loses changes none of them", async () => {
    await apply(reading("a", tuesday, { value }));
    expect(await syncSince(wednesday, sent("a", monday, "2027-01-01"))).toEqual([
      shown("a", tuesday),
    ]);
    expect(await storedValue("a")).toMatchObject({ value });
  });

  test("[V1-11] other members make no difference: what /v1 shows is equal, so it is not echoed", async () => {
    await apply(reading("a", tuesday, { value }));
    expect(await syncSince("1970-01-01", sent("a", tuesday, "2026-12-01T00:00Z"))).toEqual([]);
  });

  test("[V1-24] shows readings alone", async () => {
    await apply(reading("a", monday), {
      collection: "batches",
      key: "b",
      updated_at: wednesday,
      value: { gtin: "a", expiration_date: "2026-12-01" },
    });
    expect(await stored()).toEqual([shown("a", monday)]);
    const { data, cursor } = await syncV1(server, shop, { last_sync_date: "1970-01-01" });
    expect(data).toEqual([shown("a", monday)]);
    expect(cursor).toBeDefined();
  });

  test("[V1-16] expiration_date is stored as sent, and printed as an instant of UTC", async () => {
    await store(sent("a", monday, "2026-12-01T08:30:00.1234567+05:30"));
    expect(await storedValue("a")).toMatchObject({
      value: { expiration_date: "2026-12-01T08:30:00.1234567+05:30" },
    });
    expect(await stored()).toEqual([shown("a", monday, "2026-12-01T03:00:00.123456Z")]);
  });
});

describe("what did not stay", () => {
  test("[V1-25] a value that was replaced is evidence", async () => {
    await store(sent("a", monday, "2026-12-01"));
    await store(sent("a", tuesday, "2026-12-02"));
    expect(await evidence("a")).toMatchObject([
      { reason: "overwritten", updated_at: monday, value: { expiration_date: "2026-12-01" } },
    ]);
  });

  test("[V1-25] a record that lost is evidence, with the members that it would have kept", async () => {
    const value = { expiration_date: "2026-12-02", note: "of the stored one" };
    await apply(reading("a", tuesday, { value }));
    await store(sent("a", monday, "2026-12-01"));
    expect(await evidence("a")).toMatchObject([
      {
        reason: "superseded",
        updated_at: monday,
        value: { expiration_date: "2026-12-01", note: "of the stored one" },
      },
    ]);
  });

  test("[V1-25] a record that was created leaves none", async () => {
    await store(sent("a", monday));
    expect(await evidence("a")).toEqual([]);
  });
});

describe("[V1-23] shops", () => {
  const listAt = (query: string) => get(server, `/v1/readings/${query}`);

  test.each([
    ["?shop=", "empty"],
    ["?shop=Shop", "in capitals"],
    ["?shop=.a", "with a dot in front"],
    ["?shop=a%20b", "with a space"],
    ["?shop=a%2F..%2Fb", "with a path"],
    ["?shop=a%00", "with U+0000"],
    ["?shop=%E4%B8%AD", "in other letters"],
    [`?shop=${"a".repeat(64)}`, "of 64 characters"],
    ["?shop=a&shop=a", "twice"],
    ["?shop[]=a&shop=b&shop=c", "twice, beside another"],
  ])("%s is 400 and names shop: it is %s", async (query) => {
    for (const reply of [
      await listAt(query),
      await postV1(server, `/v1/sync/${query}`, { last_sync_date: "1970-01-01" }),
      await get(server, `/v1/readings/stream${query}`),
    ]) {
      const problem = problemOf(reply, 400);
      expect(problem.code).toBe("bad_request");
      expect(problem.errors).toEqual([{ path: "/shop", message: expect.stringContaining("shop") }]);
    }
  });

  test.each(["a", "0", "a.b_c-d", "a".repeat(63)])("%s is one", async (name) => {
    expect((await listAt(`?shop=${name}`)).status).toBe(200);
  });

  test("know nothing of each other", async () => {
    const other = `${shop}-other`;
    await syncV1(server, other, {
      last_sync_date: "1970-01-01",
      newly_created_records: [sent("secret", wednesday), sent("a", wednesday)],
    });
    expect(await syncSince("1970-01-01", sent("a", monday))).toEqual([]);
    expect(await stored()).toEqual([shown("a", monday)]);
    expect((await listV1(server, other)).data).toEqual([
      shown("a", wednesday),
      shown("secret", wednesday),
    ]);
  });

  test("without a name the shop is default", async () => {
    await postV1(server, "/v1/sync/", {
      last_sync_date: "1970-01-01",
      newly_created_records: [sent("of-default", monday)],
    });
    expect((await listV1(server, "default")).data).toEqual([shown("of-default", monday)]);
    expect((await listAt("")).json).toMatchObject({ data: [shown("of-default", monday)] });
  });

  test("a read creates none", async () => {
    expect((await listV1(server, shop)).cursor).toBe("");
    expect((await syncV1(server, shop, { cursor: "" })).cursor).toBe("");
  });
});
