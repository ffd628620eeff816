import type { Problem } from "@synchro/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { listV1, postV1, sent, shown, syncPath, syncV1 } from "../../../testing/v1-requests.ts";
import { problemOf } from "../../../testing/v2-requests.ts";
import { FAULTS_TOLD_MAX } from "./read-sync-request.ts";

let server: TestServer;
let shops = 0;
/** Each test has a shop of its own. */
let shop: string;

beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(() => {
  shops += 1;
  shop = `shop-${shops}`;
});
afterAll(() => server.stop());

const firstSync = "1970-01-01";
const monday = "2026-11-23T10:00:00Z";

/** Sends what must be refused whole, and looks that nothing was applied. */
const refusal = async (body: unknown, status = 400): Promise<Problem> => {
  const problem = problemOf(await postV1(server, syncPath(shop), body), status);
  expect((await listV1(server, shop)).cursor, "the shop was not even created").toBe("");
  return problem;
};

const pathsIn = (problem: Problem): readonly string[] =>
  (problem.errors ?? []).map(({ path }) => path);

const withRecord = (record: unknown) => ({
  last_sync_date: firstSync,
  newly_created_records: [sent("good", monday), record, sent("good too", monday)],
});

describe("[V1-19] a request that is malformed", () => {
  test.each([
    ["no object: an array", [], [""]],
    ["no object: a text", '"1970-01-01"', [""]],
    ["no object: null", "null", [""]],
    ["without last_sync_date and cursor", {}, ["/last_sync_date"]],
    ["with both null", { last_sync_date: null, cursor: null }, ["/last_sync_date"]],
    ["with records alone", { newly_created_records: [] }, ["/last_sync_date"]],
    ["with a date that is a number", { last_sync_date: 1_637_000_000 }, ["/last_sync_date"]],
    ["with a date that is none", { last_sync_date: "yesterday" }, ["/last_sync_date"]],
    ["with an empty date", { last_sync_date: "" }, ["/last_sync_date"]],
    [
      "with a date that is none beside a cursor",
      { last_sync_date: "x", cursor: "" },
      ["/last_sync_date"],
    ],
    ["with a cursor that is a number", { cursor: 7 }, ["/cursor"]],
    ["with a cursor that is too long", { cursor: "c".repeat(8_193) }, ["/cursor"]],
    ...([null, {}, "[]", 0, true, sent("a", monday)] as const).map(
      (records) =>
        [
          `with newly_created_records ${JSON.stringify(records)}`,
          { last_sync_date: firstSync, newly_created_records: records },
          ["/newly_created_records"],
        ] as const,
    ),
    [
      "in three places",
      { last_sync_date: "x", cursor: false, newly_created_records: {} },
      ["/cursor", "/last_sync_date", "/newly_created_records"],
    ],
  ] as const)("%s", async (_, body, paths) => {
    const problem = await refusal(body);
    expect(problem.code).toBe("bad_request");
    expect(pathsIn(problem).toSorted()).toEqual(paths);
    expect(problem.detail).toContain("nothing was applied");
  });

  test.each([
    ["null", null, [""]],
    ["a text", "a", [""]],
    ["an array", ["a", monday, monday], [""]],
    ["empty", {}, ["/expiration_date", "/gtin", "/updated_at"]],
    ["without gtin", { ...sent("a", monday), gtin: undefined }, ["/gtin"]],
    ["with a gtin that is a number", { ...sent("a", monday), gtin: 4012345678901 }, ["/gtin"]],
    ["with a gtin that is null", { ...sent("a", monday), gtin: null }, ["/gtin"]],
    ["without updated_at", { ...sent("a", monday), updated_at: undefined }, ["/updated_at"]],
    ["with updated_at null", { ...sent("a", monday), updated_at: null }, ["/updated_at"]],
    [
      "with an expiration_date that is none",
      { ...sent("a", monday), expiration_date: "never" },
      ["/expiration_date"],
    ],
    [
      "with nothing right",
      { gtin: "", updated_at: 1, expiration_date: [] },
      ["/expiration_date", "/gtin", "/updated_at"],
    ],
  ] as const)("with a record that is %s, among good ones", async (_, record, paths) => {
    const problem = await refusal(withRecord(record));
    expect(problem.code).toBe("bad_request");
    expect(pathsIn(problem).toSorted()).toEqual(
      paths.map((path) => `/newly_created_records/1${path}`),
    );
    for (const { path, message } of problem.errors ?? []) {
      expect(message).toContain(path.split("/").at(3) ?? "a record");
    }
  });

  test("with the faults of many records: each is named by its path", async () => {
    const records = [
      { ...sent("a", monday), gtin: "" },
      sent("b", "2026-02-30"),
      sent("c", monday),
      { ...sent("d", "x"), expiration_date: 3 },
    ];
    const problem = await refusal({ last_sync_date: "x", newly_created_records: records });
    expect(pathsIn(problem)).toEqual([
      "/last_sync_date",
      "/newly_created_records/0/gtin",
      "/newly_created_records/1/updated_at",
      "/newly_created_records/3/updated_at",
      "/newly_created_records/3/expiration_date",
    ]);
    expect(problem.detail).toContain("and 4 more faults");
  });

  test("with more faults than an answer should hold: the first are named, all are counted", async () => {
    const records = Array.from({ length: 200 }, () => ({}));
    const problem = await refusal({ last_sync_date: firstSync, newly_created_records: records });
    expect(problem.errors).toHaveLength(FAULTS_TOLD_MAX);
    expect(problem.detail).toContain(
      `and 599 more faults, of which errors names the first ${FAULTS_TOLD_MAX}`,
    );
  });
});

describe("a body that can't be taken", () => {
  test.each([
    ["empty", "", 400, "bad_json"],
    ["no JSON", '{"last_sync_date": 1970-01-01}', 400, "bad_json"],
    ["cut off", '{"last_sync_date":"1970-01-01"', 400, "bad_json"],
    ["form data", "last_sync_date=1970-01-01", 400, "bad_json"],
    ["nested deeper than 128 levels", "[".repeat(129) + "]".repeat(129), 413, "too_complex"],
    ["of 150,001 tokens", `[${"0,".repeat(149_999)}0]`, 413, "too_complex"],
  ])("[LIMIT-7] it is %s", async (_, body, status, code) => {
    expect((await refusal(body, status)).code).toBe(code);
  });

  test.each([
    [
      "last_sync_date",
      `{"last_sync_date":"1970-01-01","last_sync_date":"2026-11-24"}`,
      "/last_sync_date",
    ],
    [
      "last_sync_date, and neither is a date: the first thing wrong is told",
      `{"last_sync_date":"x","last_sync_date":"y"}`,
      "/last_sync_date",
    ],
    [
      "last_sync_date, once escaped",
      `{"last_sync_date":"1970-01-01","last\\u005fsync_date":"2026-11-24"}`,
      "/last_sync_date",
    ],
    [
      "gtin of a record",
      `{"last_sync_date":"1970-01-01","newly_created_records":[{"gtin":"a","updated_at":"2026-11-23","expiration_date":"2026-12-01","gtin":"b"}]}`,
      "/newly_created_records/0/gtin",
    ],
    [
      "newly_created_records",
      `{"last_sync_date":"1970-01-01","newly_created_records":[],"newly_created_records":[{"gtin":"a","updated_at":"2026-11-23","expiration_date":"2026-12-01"}]}`,
      "/newly_created_records",
    ],
  ])("[DATA-11] [DATA-16] a name stands twice: %s", async (_, body, path) => {
    const problem = await refusal(body);
    expect(problem.errors).toEqual([
      { path, message: "a member name must not stand twice in an object" },
    ]);
  });

  test.each([
    ["__proto__", `"__proto__":{"gtin":"a"}`],
    ["constructor", `"constructor":1`],
    ["an integer past 2^53", `"id":9007199254740993`],
  ])("[V1-19] a record holds %s", async (_, member) => {
    const record = `{"gtin":"a","updated_at":"2026-11-23","expiration_date":"2026-12-01",${member}}`;
    const problem = await refusal(
      `{"last_sync_date":"1970-01-01","newly_created_records":[${record}]}`,
    );
    expect(pathsIn(problem)).toEqual([expect.stringMatching(/^\/newly_created_records\/0\//)]);
  });
});

describe("how many records a request may hold", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => sent(`gtin-${index}`, monday));

  test("[LIMIT-4] 5,001 are 413, and nothing is applied", async () => {
    const problem = await refusal(
      { last_sync_date: firstSync, newly_created_records: many(5_001) },
      413,
    );
    expect(problem.code).toBe("too_many_changes");
    expect(problem.detail).toContain("5001");
    expect(problem.detail).toContain("at most 5000");
  });

  test("[LIMIT-4] 5,000 are applied", async () => {
    const { data } = await syncV1(server, shop, {
      last_sync_date: firstSync,
      newly_created_records: many(5_000),
    });
    expect(data).toEqual([]);
    expect((await listV1(server, shop)).data).toHaveLength(5_000);
  });

  test("[LIMIT-2] a body of more than 4 MiB is 413, and nothing is applied", async () => {
    const records = Array.from({ length: 5_000 }, (_, index) =>
      sent(`${index}${"\u{1F600}".repeat(240)}`, monday),
    );
    const problem = await refusal(
      { last_sync_date: firstSync, newly_created_records: records },
      413,
    );
    expect(problem.code).toBe("body_too_large");
  });
});

describe("[V1-18] a gtin", () => {
  test.each([
    ["empty", ""],
    ["of 251 code points", "a".repeat(251)],
    ["of 251 code points outside the BMP", "\u{1F600}".repeat(251)],
    ["with U+0000", "a\0b"],
    ["with half a surrogate pair", "a\uD83D"],
    ["with a pair the wrong way round", "\uDE00\uD83D"],
  ])("%s is refused", async (_, gtin) => {
    const problem = await refusal(withRecord(sent(gtin, monday)));
    expect(pathsIn(problem)).toEqual(["/newly_created_records/1/gtin"]);
  });

  const texts = [
    ["of the origin's example", "test_4"],
    ["of 250 code points", "9".repeat(250)],
    ["of 250 code points in 1,000 bytes", "\u{1F600}".repeat(250)],
    ["of one space", " "],
    ["with spaces around", " 0401 "],
    ["of line breaks", "\r\n\t"],
    ["with quotes and backslashes", `"';\\--`],
    ["like a path", "../../etc/passwd"],
    ["like a prototype", "__proto__"],
    ["like SQL", "'; DROP TABLE records; --"],
    ["like HTML", "<script>alert(1)</script>"],
    ["like a number", "0004012345678901"],
    ["like a pattern", "%_*?"],
    ["of control characters", "\u0001\u007F\u0085"],
    ["of line separators", "\u2028\u2029"],
    ["composed", "é"],
    ["decomposed", "e\u0301"],
    ["from right to left", "\u202Eمرحبا"],
    ["of noncharacters", "\uFFFE\uFFFF\u{10FFFF}"],
    ["of a private use area", "\uE000"],
    ["in capitals", "TEST_4"],
  ] as const;

  test.each(texts)("%s is kept as it is", async (_, gtin) => {
    const { data } = await syncV1(server, shop, {
      last_sync_date: firstSync,
      newly_created_records: [sent(gtin, monday)],
    });
    expect(data).toEqual([]);
    expect((await listV1(server, shop)).data).toEqual([shown(gtin, monday)]);
  });

  test("is told apart from every other", async () => {
    const newly_created_records = texts.map(([, gtin]) => sent(gtin, monday));
    await syncV1(server, shop, { last_sync_date: firstSync, newly_created_records });
    const listed = (await listV1(server, shop)).data.map(({ gtin }) => gtin);
    expect(listed.toSorted()).toEqual(texts.map(([, gtin]) => gtin).toSorted());
  });
});

describe("[V1-14] a date", () => {
  const refused: readonly (readonly [string, string])[] = [
    ["a day that February lacks", "2026-02-29"],
    ["a day that February lacks in 1900", "1900-02-29T00:00:00Z"],
    ["the 31st of April", "2026-04-31T10:00:00"],
    ["the month 13", "2026-13-01"],
    ["the month 0", "2026-00-10"],
    ["the day 0", "2026-01-00"],
    ["the hour 24", "2026-11-24T24:00:00"],
    ["the minute 60", "2026-11-24T10:60"],
    ["a leap second", "2016-12-31T23:59:60Z"],
    ["the year 0", "0000-12-31T23:59:59Z"],
    ["before the year 1, by its zone", "0001-01-01T00:00:00+00:01"],
    ["after the year 9999, by its zone", "9999-12-31T23:59:59-00:01"],
    ["a year of five digits", "12026-11-24"],
    ["a year with a sign", "+2026-11-24"],
    ["ten fractional digits", "2026-11-24T10:00:00.0123456789Z"],
    ["a fraction of a minute", "2026-11-24T10:00.5Z"],
    ["a comma", "2026-11-24T10:00:00,5Z"],
    ["a small t", "2026-11-24t10:00:00Z"],
    ["a small z", "2026-11-24T10:00:00z"],
    ["two spaces", "2026-11-24  10:00:00"],
    ["a space in front", " 2026-11-24"],
    ["a space behind", "2026-11-24 "],
    ["a line break behind", "2026-11-24\n"],
    ["a zone after a bare date", "2026-11-24Z"],
    ["a zone of one digit", "2026-11-24T10:00:00+2"],
    ["a zone of three digits", "2026-11-24T10:00:00+020"],
    ["a zone of 24 hours", "2026-11-24T10:00:00+24:00"],
    ["a zone of 60 minutes", "2026-11-24T10:00:00+01:60"],
    ["a zone's name", "2026-11-24T10:00:00 CET"],
    ["a zone after a space", "2026-11-24T10:00:00 +02:00"],
    ["hours alone", "2026-11-24T10"],
    ["the basic format", "20261124T100000Z"],
    ["a week", "2026-W48-2"],
    ["an ordinal day", "2026-328"],
    ["the American way", "11/24/2026"],
    ["a Unix time", "1795514400"],
    ["other digits", "２０２６-11-24"],
    ["another minus", "2026−11−24"],
    ["a word", "now"],
    ["very long", `2026-11-24T10:00:00.${"0".repeat(100_000)}Z`],
  ];

  test.each(refused)("%s is refused, in every field", async (_, text) => {
    const record = { gtin: "a", updated_at: text, expiration_date: text };
    const problem = await refusal({ last_sync_date: text, newly_created_records: [record] });
    expect(pathsIn(problem)).toEqual([
      "/last_sync_date",
      "/newly_created_records/0/updated_at",
      "/newly_created_records/0/expiration_date",
    ]);
    for (const { message } of problem.errors ?? []) expect(message.length).toBeLessThan(200);
  });

  const read: readonly (readonly [string, string, string])[] = [
    ["as the origin writes it", "2021-10-10T10:40:10", "2021-10-10T10:40:10Z"],
    ["in UTC", "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"],
    ["with a space", "2026-11-24 10:00:00Z", "2026-11-24T10:00:00Z"],
    ["without seconds", "2026-11-24T10:05", "2026-11-24T10:05:00Z"],
    ["without seconds, with a zone", "2026-11-24 10:05+01", "2026-11-24T09:05:00Z"],
    ["bare", "2026-11-24", "2026-11-24T00:00:00Z"],
    ["with a zone ±hh:mm", "2026-11-24T00:30:00+02:00", "2026-11-23T22:30:00Z"],
    ["with a zone ±hhmm", "2026-11-24T23:30:00-0130", "2026-11-25T01:00:00Z"],
    ["with a zone ±hh", "2026-11-24T10:00:00-12", "2026-11-24T22:00:00Z"],
    ["with the zone -00:00", "2026-11-24T10:00:00-00:00", "2026-11-24T10:00:00Z"],
    ["with the widest zone", "2026-11-24T10:00:00+23:59", "2026-11-23T10:01:00Z"],
    ["with a point and no digits", "2026-11-24T10:00:00.Z", "2026-11-24T10:00:00Z"],
    ["with 1 fractional digit", "2026-11-24T10:00:00.5", "2026-11-24T10:00:00.500000Z"],
    ["with 2", "2026-11-24T10:00:00.05Z", "2026-11-24T10:00:00.050000Z"],
    ["with 3", "2026-11-24T10:00:00.125Z", "2026-11-24T10:00:00.125000Z"],
    ["with 6", "2026-11-24T10:00:00.000001Z", "2026-11-24T10:00:00.000001Z"],
    ["with 7, cut to 6", "2026-11-24T10:00:00.9999999Z", "2026-11-24T10:00:00.999999Z"],
    ["with 9, cut to none", "2026-11-24T10:00:00.000000999Z", "2026-11-24T10:00:00Z"],
    ["with 9 and a zone", "2026-11-24 10:00:00.123456789+02:00", "2026-11-24T08:00:00.123456Z"],
    ["on a leap day", "2024-02-29", "2024-02-29T00:00:00Z"],
    ["on the leap day of 2000", "2000-02-29T23:59:59Z", "2000-02-29T23:59:59Z"],
    ["at the last second of a day", "2026-12-31T23:59:59.999999Z", "2026-12-31T23:59:59.999999Z"],
    ["before 1970", "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"],
    ["in the year 1", "0001-01-01", "0001-01-01T00:00:00Z"],
    ["in the year 99", "0099-12-31T23:59:59Z", "0099-12-31T23:59:59Z"],
    ["in the year 1 by its zone", "0000-12-31T23:30:00-01:00", "0001-01-01T00:30:00Z"],
    ["in the year 9999", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"],
  ];

  test.each(read)("[V1-15] %s is read and printed as an instant", async (_, text, printed) => {
    const newly_created_records = [sent("a", text, text)];
    const answer = await syncV1(server, shop, { last_sync_date: text, newly_created_records });
    expect(answer.data).toEqual([]);
    expect((await listV1(server, shop)).data).toEqual([shown("a", printed, printed)]);
    // Strictly after: the very instant is not, one a little earlier is.
    expect((await syncV1(server, shop, { last_sync_date: text })).data).toEqual([]);
    const hasEarlier = printed !== "0001-01-01T00:00:00Z";
    const earlier = await syncV1(server, shop, { last_sync_date: "0001-01-01T00:00:00" });
    expect(earlier.data).toHaveLength(hasEarlier ? 1 : 0);
  });

  test("beside a cursor is read too, and makes no difference", async () => {
    await syncV1(server, shop, {
      last_sync_date: firstSync,
      newly_created_records: [sent("a", monday)],
    });
    const answer = await syncV1(server, shop, { last_sync_date: "9999-01-01", cursor: "" });
    expect(answer.data).toEqual([shown("a", monday)]);
  });
});
