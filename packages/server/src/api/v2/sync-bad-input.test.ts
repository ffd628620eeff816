import { defaultLimits, type WireSyncAnswer } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import {
  changesPath,
  get,
  postSync,
  problemOf,
  pull,
  push,
  reading,
  sync,
} from "../../../testing/v2-requests.ts";

const at = "2026-11-24T10:00:00Z";
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.stop();
});

/** A space that no test has used: null in its cursor proves that nothing was applied. */
let spaces = 0;
const freshSpace = (): string => {
  spaces += 1;
  return `fresh-${spaces}`;
};

const expectUntouched = async (space: string): Promise<void> => {
  expect((await pull(server, {}, space)).cursor).toBeNull();
};

const one = [reading("a", at)];
/** The body as JSON text, with raw text where no JavaScript value could stand. */
const raw = (member: string, changes: unknown = one): string =>
  `{"changes":${JSON.stringify(changes)},${member}}`;

describe("a request that breaks a rule as a whole is 400 with the path and the rule", () => {
  test.each([
    ["no object", "[]", "", "an object"],
    ["null", "null", "", "an object"],
    ["changes of another type", '{"changes":{}}', "/changes", "an array"],
    ["[PULL-17] a cursor that is no text", raw('"cursor":1'), "/cursor", "string"],
    ["[PULL-17] an ack that is no text", raw('"ack":{}'), "/ack", "string"],
    ["[LIMIT-6] limit 0", raw('"limit":0'), "/limit", "1"],
    ["[LIMIT-6] a limit below it", raw('"limit":-1'), "/limit", "1"],
    ["[LIMIT-6] a limit with a fraction", raw('"limit":1.5'), "/limit", "integer"],
    ["[LIMIT-6] a limit that is text", raw('"limit":"1"'), "/limit", "integer"],
    ["[LIMIT-6] a null limit", raw('"limit":null'), "/limit", "integer"],
    ["pull that is no boolean", raw('"pull":"no"'), "/pull", "true or false"],
    ["tombstones that is no boolean", raw('"tombstones":1'), "/tombstones", "true or false"],
    ["a client_id that is no text", raw('"client_id":1'), "/client_id", "string"],
    ["an empty client_id", raw('"client_id":""'), "/client_id", "must not be empty"],
    ["[PULL-11] no collections", raw('"collections":[]'), "/collections", "must not be empty"],
    ["collections of another type", raw('"collections":"readings"'), "/collections", "array"],
    [
      "a collection's name that is none",
      raw('"collections":["Bad"]'),
      "/collections/0",
      "collections",
    ],
  ])("[LIMIT-7] %s", async (_, body, path, rule) => {
    const space = freshSpace();
    const problem = problemOf(await postSync(server, body, space), 400);
    expect(problem).toMatchObject({ code: "bad_request", status: 400 });
    expect(problem.errors?.map((error) => error.path)).toEqual([path]);
    expect(problem.errors?.[0]?.message).toContain(rule);
    expect(problem.detail).toBe(problem.errors?.[0]?.message);
    await expectUntouched(space);
  });

  test.each([
    ["[DATA-11] a member twice", raw('"cursor":null,"cursor":null'), "/cursor"],
    ["[DATA-12] a number that a double alters", raw('"limit":9007199254740993'), "/limit"],
    ["[DATA-12] in a member that nobody knows", raw('"x":{"y":[1e400]}'), "/x/y/0"],
    ["[DATA-13] a lone surrogate", raw('"client_id":"\\ud800"'), "/client_id"],
    ["[DATA-13] U+0000", raw('"client_id":"a\\u0000"'), "/client_id"],
    ["[DATA-14] a forbidden name", raw('"__proto__":{"polluted":true}'), "/__proto__"],
  ])("[DATA-16] %s outside the changes", async (_, body, path) => {
    const space = freshSpace();
    const problem = problemOf(await postSync(server, body, space), 400);
    expect(problem.code).toBe("bad_request");
    expect(problem.errors?.map((error) => error.path)).toEqual([path]);
    await expectUntouched(space);
  });

  test("[PULL-11] an undeclared name", async () => {
    const space = freshSpace();
    for (const name of ["stock", "valueof", "readings2"]) {
      const reply = await postSync(
        server,
        { collections: ["readings", name], changes: one },
        space,
      );
      const problem = problemOf(reply, 400);
      expect(problem.code).toBe("undeclared_collection");
      expect(problem.errors?.[0]?.path).toBe("/collections/1");
      expect(problem.errors?.[0]?.message).toContain(name);
    }
    await expectUntouched(space);
    const query = await get(server, changesPath({ collections: "readings,stock" }, space));
    expect(problemOf(query, 400).code).toBe("undeclared_collection");
  });
});

describe("[PUSH-10] a record that stands twice", () => {
  test.each([
    [0, 1],
    [0, 999],
    [499, 500],
  ])("at %i and %i refuses all", async (first, second) => {
    const space = freshSpace();
    const changes = Array.from({ length: 1_000 }, (_, index) => reading(`k${index}`, at));
    changes[second] = reading(`k${first}`, "2026-11-24T11:00:00Z");
    const problem = problemOf(await postSync(server, { changes }, space), 400);
    expect(problem.code).toBe("duplicate_key");
    expect(problem.errors).toEqual([
      {
        path: `/changes/${second}/key`,
        message: expect.stringContaining(`${first} and ${second}`),
      },
    ]);
    await expectUntouched(space);
  });

  test("counts where both changes are bad, too", async () => {
    const changes = [reading("a", "x"), { collection: "readings", key: "a" }];
    expect(problemOf(await postSync(server, { changes }), 400).code).toBe("duplicate_key");
  });

  test("is no key of two collections, and no two changes without a key", async () => {
    const batch = { ...reading("a", at), collection: "batches" };
    const nameless = [{}, {}, null, null, { collection: "readings" }, { collection: "readings" }];
    const value = { gtin: "1", expiration_date: "2026-12-01" };
    const changes = [reading("a", at), { ...batch, value }, ...nameless];
    const { status, json } = await postSync(server, { changes }, freshSpace());
    expect(status).toBe(200);
    const { results } = json as WireSyncAnswer;
    expect(results?.slice(0, 2)).toEqual([{ seq: 1 }, { seq: 2 }]);
    expect(results).toHaveLength(changes.length);
  });
});

describe("[DATA-16] a data rule broken within a change refuses it alone", () => {
  const nested = (levels: number): string =>
    `{"expiration_date":"2026-12-01","n":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  const valued = (members: string): string => `{"expiration_date":"2026-12-01",${members}}`;
  const surrogate = String.raw`"a\udc00"`;

  test.each([
    ["[DATA-11] a member twice", valued('"a":1,"a":1'), "/value/a"],
    ["[DATA-12] an integer past 2^53", valued('"a":[9007199254740993]'), "/value/a/0"],
    ["[DATA-12] a number past all doubles", valued('"a":1e309'), "/value/a"],
    ["[DATA-12] too many digits", valued('"a":0.12345678901234567891'), "/value/a"],
    ["[DATA-13] a lone surrogate", valued(`"a":${surrogate}`), "/value/a"],
    ["[DATA-13] U+0000", valued(String.raw`"a":"\u0000"`), "/value/a"],
    ["[DATA-14] __proto__", valued('"a":{"__proto__":{}}'), "/value/a/__proto__"],
    ["[DATA-14] constructor", valued('"constructor":1'), "/value/constructor"],
    ["[DATA-15] 33 levels", nested(33), /^\/value\/n(\/0)*$/],
  ])("%s", async (_, value, path) => {
    const space = freshSpace();
    const change = (key: string, of: string): string =>
      `{"collection":"readings","key":"${key}","updated_at":"${at}","value":${of}}`;
    const plain = '{"expiration_date":"2026-12-01"}';
    const body = `{"changes":[${change("a", plain)},${change("b", value)},${change("c", plain)}]}`;
    const { status, json } = await postSync(server, body, space);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      results: [{ seq: 1 }, { rejected: { code: "data_rule" } }, { seq: 2 }],
    });
    const rejected = (json as { results: readonly { rejected?: { path: string } }[] }).results[1];
    expect(rejected?.rejected?.path).toMatch(path);
  });

  test("[DATA-15] 32 levels pass", async () => {
    const space = freshSpace();
    const body = `{"changes":[{"collection":"readings","key":"a","updated_at":"${at}","value":${nested(32)}}]}`;
    expect((await postSync(server, body, space)).json).toMatchObject({ results: [{ seq: 1 }] });
    expect(JSON.stringify((await pull(server, {}, space)).changes[0])).toContain(nested(32));
  });

  test.each([0, 1, 500, 998, 999])("[PUSH-5] the bad one of a thousand at %i", async (bad) => {
    const space = freshSpace();
    const changes = Array.from({ length: 1_000 }, (_, index) =>
      index === bad ? '{"key":"\\ud800"}' : JSON.stringify(reading(`k${index}`, at)),
    );
    const { json } = await postSync(
      server,
      `{"changes":[${changes.join(",")}],"pull":false}`,
      space,
    );
    const { results } = json as { readonly results: readonly object[] };
    expect(results).toHaveLength(1_000);
    for (const [index, result] of results.entries()) {
      const seq = index < bad ? index + 1 : index;
      expect(result).toMatchObject(index === bad ? { rejected: { code: "data_rule" } } : { seq });
    }
    const { digest } = await pull(server, {}, space);
    expect(digest?.collections["readings"]?.count).toBe(999);
  });

  test("[DATA-16] all changes bad, each with its own path", async () => {
    const changes = Array.from({ length: 200 }, (_, index) => `{"x${index}":1e400}`);
    const { json } = await postSync(server, `{"changes":[${changes.join(",")}]}`, freshSpace());
    expect(json).toMatchObject({
      results: changes.map((_, index) => ({ rejected: { code: "data_rule", path: `/x${index}` } })),
    });
  });
});

describe("limits at their edge", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => reading(`k${index}`, at));

  test("[LIMIT-4] 5,000 changes pass, one more is 413 and nothing of it applied", async () => {
    const space = freshSpace();
    const { changesMax } = defaultLimits;
    const problem = problemOf(
      await postSync(server, { changes: many(changesMax + 1) }, space),
      413,
    );
    expect(problem.code).toBe("too_many_changes");
    await expectUntouched(space);
    const { results } = await push(server, many(changesMax), space);
    expect(results).toHaveLength(changesMax);
    expect(results?.at(-1)).toEqual({ seq: changesMax });
  });

  test("[DATA-3] a key of 250 code points passes, of 251 not", async () => {
    const space = freshSpace();
    const wide = "\u{1F600}".repeat(250);
    const { results } = await push(
      server,
      [reading("k".repeat(250), at), reading("k".repeat(251), at), reading(wide, at)],
      space,
    );
    expect(results).toMatchObject([{ seq: 1 }, { rejected: { code: "bad_key" } }, { seq: 2 }]);
    expect((await pull(server, {}, space)).changes[1]?.key).toBe(wide);
  });

  test("[LIMIT-5] a value of 262,144 bytes passes, of one more not", async () => {
    const sized = (key: string, bytes: number) => {
      const value = { expiration_date: "2026-12-01", x: "" };
      const x = "x".repeat(bytes - JSON.stringify(value).length);
      return reading(key, at, { value: { ...value, x } });
    };
    const { valueBytesMax } = defaultLimits;
    const space = freshSpace();
    const changes = [sized("a", valueBytesMax), sized("b", valueBytesMax + 1)];
    expect((await push(server, changes, space)).results).toMatchObject([
      { seq: 1 },
      { rejected: { code: "value_too_large", path: "/value" } },
    ]);
    expect((await pull(server, {}, space)).changes[0]).toMatchObject(changes[0] ?? {});
  });

  test("[PULL-17] a cursor and an ack of 8,192 units are judged, of one more refused", async () => {
    const space = freshSpace();
    const { cursorLengthMax } = defaultLimits;
    for (const name of ["cursor", "ack"]) {
      const long = "x".repeat(cursorLengthMax);
      expect(await sync(server, { [name]: long }, space)).toMatchObject({ reset: "offer" });
      const problem = problemOf(await postSync(server, { [name]: `${long}x` }, space), 400);
      expect(problem).toMatchObject({ code: "bad_request", errors: [{ path: `/${name}` }] });
    }
  });

  test("[LIMIT-1] a client_id of 128 units and 64 collections pass, of one more not", async () => {
    const space = freshSpace();
    const { labelLengthMax, collectionsMax } = defaultLimits;
    const names = Array.from({ length: collectionsMax }, () => "readings");
    await sync(server, { client_id: "c".repeat(labelLengthMax), collections: names }, space);
    const label = { client_id: "c".repeat(labelLengthMax + 1) };
    expect(problemOf(await postSync(server, label, space), 400).errors?.[0]?.path).toBe(
      "/client_id",
    );
    const sets = { collections: [...names, "readings"] };
    expect(problemOf(await postSync(server, sets, space), 400).errors?.[0]?.path).toBe(
      "/collections",
    );
  });
});

describe("a space's name", () => {
  test.each(["A", "a%20b", "a".repeat(64), ".a", "%2e%2e", "-a"])(
    "[DATA-1] %s is 404 and makes nothing",
    async (space) => {
      expect(problemOf(await postSync(server, { changes: one }, space), 404).code).toBe(
        "not_found",
      );
    },
  );

  test("[DATA-1] of 63 characters is one", async () => {
    expect(await push(server, one, `a.b_-${"c".repeat(58)}`)).toMatchObject({
      results: [{ seq: 1 }],
    });
  });
});
