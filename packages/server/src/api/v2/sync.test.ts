import type { Change, SyncRequestDocument, WireSyncAnswer } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import {
  deletion,
  get,
  postSync,
  push,
  reading,
  type Reply,
  sync as syncIn,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";

/** The server's clock stands at 10:00 of 24 November 2026. */
const NOW = "2026-11-24T10:00:00Z";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ runtime: new VirtualTime().runtime });
});
afterAll(() => server.stop());

let spaces = 0;
/** A space of its own for each test. */
const inNewSpace = () => {
  spaces += 1;
  const space = `shop-${spaces}`;
  return {
    space,
    sync: (request: SyncRequestDocument): Promise<WireSyncAnswer> => syncIn(server, request, space),
    push: (...changes: readonly Change[]): Promise<WireSyncAnswer> => push(server, changes, space),
    post: (body: unknown): Promise<Reply> => postSync(server, body, space),
  };
};

const expiring = (date: string) => ({ value: { expiration_date: date } });

const cursorText = expect.stringMatching(/^[\w.~*-]+$/);

describe("the answer to the letter", () => {
  test("[PUSH-1] [PUSH-14] [DIGEST-3] [PULL-16] of a push with a pull", async () => {
    const { post, push: pushHere } = inNewSpace();
    await pushHere(reading("a", "2026-11-24T09:00:00Z"));
    const reply = await post({
      client_id: "c1",
      cursor: null,
      collections: ["readings"],
      changes: [
        reading("b", "2026-11-24T09:30:00.5Z", { base: null }),
        reading("a", "2026-11-24T08:00:00Z"),
        reading("c", "soon"),
      ],
    });
    expect(reply.status).toBe(200);
    expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(reply.headers.get("cache-control")).toBe("no-store");
    expect(reply.json).toEqual({
      cursor: cursorText,
      more: false,
      ack: cursorText,
      now: NOW,
      results: [
        { seq: 2 },
        { superseded: 1 },
        {
          rejected: {
            code: "bad_stamp",
            message: expect.stringContaining("updated_at must be"),
            path: "/updated_at",
          },
        },
      ],
      changes: [
        {
          collection: "readings",
          key: "a",
          seq: 1,
          updated_at: "2026-11-24T09:00:00Z",
          value: { expiration_date: "2026-12-01" },
        },
      ],
      digest: {
        at: 2,
        collections: { readings: { count: 2, sum: expect.stringMatching(/^[0-9a-f]{16}$/) } },
      },
    });
  });

  test("of a request with no changes: no ack, and results that are empty", async () => {
    const { post, push: pushHere } = inNewSpace();
    await pushHere(reading("a", NOW));
    expect((await post({ cursor: null })).json).toEqual({
      cursor: cursorText,
      more: false,
      now: NOW,
      results: [],
      changes: [
        {
          collection: "readings",
          key: "a",
          seq: 1,
          updated_at: NOW,
          value: { expiration_date: "2026-12-01" },
        },
      ],
      digest: {
        at: 1,
        collections: {
          batches: { count: 0, sum: "0000000000000000" },
          readings: { count: 1, sum: expect.any(String) },
        },
      },
    });
  });

  test("[PUSH-13] of a push alone: results, what beat a change, now and ack, and nothing else", async () => {
    const { post, push: pushHere } = inNewSpace();
    await pushHere(reading("a", NOW), reading("b", NOW));
    const changes = [reading("a", "2026-11-24T09:00:00Z"), reading("c", NOW)];
    expect((await post({ changes, pull: false })).json).toEqual({
      ack: cursorText,
      now: NOW,
      results: [{ superseded: 1 }, { seq: 3 }],
      changes: [expect.objectContaining({ key: "a", seq: 1 })],
    });
  });

  test("[PUSH-13] of nothing at all: no changes and no pull", async () => {
    const { post } = inNewSpace();
    expect((await post({ pull: false })).json).toEqual({ now: NOW, results: [], changes: [] });
  });

  test("[PULL-15] [PUSH-15] of a space that does not exist, which a pull does not create", async () => {
    const { post, space } = inNewSpace();
    const answer = {
      cursor: null,
      more: false,
      now: NOW,
      results: [],
      changes: [],
      digest: {
        at: 0,
        collections: {
          batches: { count: 0, sum: "0000000000000000" },
          readings: { count: 0, sum: "0000000000000000" },
        },
      },
    };
    for (const body of [{}, { changes: [] }]) expect((await post(body)).json).toEqual(answer);
    const { results: _, ...page } = answer;
    expect((await get(server, `/v2/spaces/${space}/changes`)).json).toEqual(page);
  });

  test("[PUSH-15] refused changes create their space, and are kept there", async () => {
    const { post, space } = inNewSpace();
    const answer = (await post({ client_id: "c1", changes: [{}] })).json as WireSyncAnswer;
    expect(answer).toMatchObject({ cursor: expect.any(String), ack: expect.any(String) });
    const kept = await get(server, `/v2/spaces/${space}/rejections`);
    expect(kept.json).toMatchObject({ rejections: [{ client_id: "c1", change: {} }] });
  });

  test("[PUSH-21] of a delete, and of a tombstone that beat a change", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(reading("a", "2026-11-24T09:00:00Z"));
    const { results } = await sync({ changes: [deletion("a", NOW)] });
    expect(results).toEqual([{ seq: 2 }]);
    const late = await sync({ changes: [reading("a", "2026-11-24T09:30:00Z")] });
    expect(late.results).toEqual([{ superseded: 2 }]);
    expect(late.changes).toEqual([
      { collection: "readings", key: "a", seq: 2, updated_at: NOW, deleted: true },
    ]);
    expect(late.digest?.collections["readings"]).toEqual({ count: 0, sum: "0000000000000000" });
  });

  test("[PUSH-20] [PUSH-21] of an author that nobody has verified", async () => {
    const { sync } = inNewSpace();
    await sync({ changes: [reading("a", NOW, { author: "ann" })] });
    const { changes } = await sync({});
    expect(changes).toEqual([expect.objectContaining({ key: "a", author_unverified: "ann" })]);
    expect(changes[0]).not.toHaveProperty("author");
  });

  test("[DATA-5] [DATA-6] stamps come back as instants, values as they were", async () => {
    const { sync } = inNewSpace();
    const value = {
      expiration_date: "2026-12-01",
      z: -0,
      big: 1e300,
      text: "\u2028é😀",
      deep: [[]],
    };
    await sync({ changes: [reading("a", "2026-11-24T09:00:00.12Z", { value })] });
    const [record] = (await sync({})).changes;
    expect(record).toMatchObject({
      updated_at: "2026-11-24T09:00:00.120000Z",
      value: { ...value, z: 0 },
    });
  });
});

describe("what is left out, and what is not", () => {
  test("[PULL-1] what results tell is left out, and the cursor moves past it", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(reading("other", NOW));
    const answer = await sync({ changes: [reading("a", NOW), reading("b", NOW)] });
    expect(answer.results).toEqual([{ seq: 2 }, { seq: 3 }]);
    expect(answer.changes.map(({ key }) => key)).toEqual(["other"]);
    expect((await sync({ cursor: answer.cursor ?? null })).changes).toEqual([]);
  });

  test("[PULL-1] a client's own record that this very answer does not tell is sent", async () => {
    const { sync } = inNewSpace();
    await sync({ client_id: "c1", changes: [reading("a", NOW)] });
    const again = await sync({ client_id: "c1", changes: [reading("b", NOW)] });
    expect(again.changes.map(({ key }) => key)).toEqual(["a"]);
  });

  test("[PUSH-3] [PULL-6] the record that beat a change is sent though the cursor has passed it, and moves nothing", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(reading("a", NOW), reading("b", NOW));
    const { cursor = null } = await sync({});
    const answer = await sync({ cursor, changes: [reading("a", "2026-11-24T08:00:00Z")] });
    expect(answer.changes.map(({ seq }) => seq)).toEqual([1]);
    expect(answer.cursor).toBe(cursor);
  });

  test("[PULL-5] the records that beat a change come first, then the page by seq, and no seq twice", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(reading("a", NOW), reading("b", NOW), reading("c", NOW));
    const old = "2026-11-24T08:00:00Z";
    const changes = [reading("c", old), reading("a", old), reading("d", NOW)];
    const answer = await sync({ limit: 2, changes });
    expect(answer.results).toEqual([{ superseded: 3 }, { superseded: 1 }, { seq: 4 }]);
    expect(answer.changes.map(({ seq }) => seq)).toEqual([3, 1, 2]);
    expect(answer.more).toBe(true);
    const rest = await sync({ limit: 2, cursor: answer.cursor ?? null });
    expect(rest.changes.map(({ seq }) => seq)).toEqual([3, 4]);
  });

  test("[PUSH-12] the page is of a snapshot that includes the request's own changes", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(reading("a", "2026-11-24T09:00:00Z"));
    const answer = await sync({ changes: [reading("a", NOW)] });
    expect(answer).toMatchObject({ results: [{ seq: 2 }], changes: [], digest: { at: 2 } });
  });

  test("[PULL-3] limit counts the page only: not what results tell, not what beat a change", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(...["a", "b", "c"].map((key) => reading(key, NOW)));
    const changes = [reading("a", "2026-11-24T08:00:00Z"), reading("d", NOW), reading("b", NOW)];
    const answer = await sync({ limit: 1, changes });
    expect(answer.results).toEqual([{ superseded: 1 }, { seq: 4 }, { seq: 2 }]);
    expect(answer).toMatchObject({ more: true, changes: [{ seq: 1 }] });
    expect(answer).not.toHaveProperty("digest");
    const rest = await sync({ limit: 1, cursor: answer.cursor ?? null });
    expect(rest).toMatchObject({ more: true, changes: [{ seq: 3 }] });
  });
});

describe("changes are judged one by one", () => {
  test("[PUSH-5] each outcome beside each other one, in order", async () => {
    const { sync, push: pushHere } = inNewSpace();
    await pushHere(reading("old", NOW), reading("same", NOW));
    const { results } = await sync({
      changes: [
        reading("new", NOW),
        reading("old", "2026-11-24T08:00:00Z"),
        reading("same", "2026-11-24T10:00:00.000Z"),
        reading("bad", NOW, { value: {} }),
        reading("ahead", "2027-01-01T00:00:00Z"),
        deletion("gone", NOW),
      ],
    });
    expect(results).toEqual([
      { seq: 3 },
      { superseded: 1 },
      { seq: 2 },
      { rejected: expect.objectContaining({ code: "schema_mismatch" }) },
      { rejected: expect.objectContaining({ code: "stamp_ahead" }) },
      { seq: 4 },
    ]);
  });

  const positions = [0, 1, 499, 998, 999];
  test.each([
    ["no object", null, "bad_change", ""],
    ["a bad key", reading("", NOW), "bad_key", "/key"],
    ["a bad stamp", reading("bad", "now"), "bad_stamp", "/updated_at"],
    ["a bad value", { ...reading("bad", NOW), value: [] }, "bad_value", "/value"],
    ["U+0000", reading("bad", NOW, expiring("\u0000")), "data_rule", "/value/expiration_date"],
    ["a clock ahead", reading("bad", "2027-01-01T00:00:00Z"), "stamp_ahead", "/updated_at"],
    [
      "an undeclared collection",
      { ...reading("bad", NOW), collection: "x" },
      "unknown_collection",
      "/collection",
    ],
  ])(
    "[PUSH-5] one change in 1,000 with %s, wherever it stands, is refused alone",
    async (_name, bad, code, path) => {
      for (const position of positions) {
        const { sync } = inNewSpace();
        const changes = Array.from({ length: 1_000 }, (_, index) => reading(`k${index}`, NOW));
        const sent = changes.with(position, bad as Change);
        const { results, digest } = await sync({ changes: sent });
        const seqs = results.flatMap((result) => ("seq" in result ? [result.seq] : []));
        expect(seqs).toEqual(Array.from({ length: 999 }, (_, index) => index + 1));
        expect(results[position]).toMatchObject({ rejected: { code, path } });
        expect(digest?.collections["readings"]?.count).toBe(999);
      }
    },
  );

  test("[DATA-16] one broken data rule hides no other change's", async () => {
    const { post } = inNewSpace();
    const change = (key: string, more: string): string =>
      `{"collection":"readings","key":"${key}","updated_at":"${NOW}","value":{"expiration_date":"2026-12-01"${more}}}`;
    const changes = [
      change("a", ',"n":9007199254740993'),
      change("b", ""),
      change("c", ',"n":1,"n":2'),
      change("d", ',"__proto__":1,"constructor":2'),
      change("e", `,"n":${"[".repeat(32)}${"]".repeat(32)}`),
      change("f", `,"n":${"[".repeat(31)}${"]".repeat(31)}`),
      change("g", ',"n":"\\ud800"'),
      change("h\\u0000", ""),
    ];
    const reply = await post(`{"changes":[${changes.join()}]}`);
    expect(reply.json).toMatchObject({
      results: [
        { rejected: { code: "data_rule", path: "/value/n" } },
        { seq: 1 },
        { rejected: { code: "data_rule", path: "/value/n" } },
        { rejected: { code: "data_rule", path: "/value/__proto__" } },
        { rejected: { code: "data_rule", path: expect.stringMatching(/^\/value\/n(\/0){31}$/) } },
        { seq: 2 },
        { rejected: { code: "data_rule", path: "/value/n" } },
        { rejected: { code: "data_rule", path: "/key" } },
      ],
    });
  });

  test("[PUSH-16] a change to a collection outside the request's set is refused alone", async () => {
    const { sync } = inNewSpace();
    const batch: Change = {
      collection: "batches",
      key: "b1",
      updated_at: NOW,
      value: { gtin: "a", expiration_date: "2026-12-01" },
    };
    const { results } = await sync({
      collections: ["readings"],
      changes: [batch, reading("a", NOW)],
    });
    expect(results).toEqual([
      { rejected: expect.objectContaining({ code: "not_subscribed", path: "/collection" }) },
      { seq: 1 },
    ]);
    expect((await sync({ collections: ["batches"], changes: [batch] })).results).toEqual([
      { seq: 2 },
    ]);
  });

  test("[PUSH-18] members that nobody knows are ignored, wherever they stand", async () => {
    const { post } = inNewSpace();
    const reply = await post({
      colour: "red",
      status: { pending: 1, mood: "good" },
      changes: [{ ...reading("a", NOW), colour: "red", _x: 1 }],
    });
    expect(reply.json).toMatchObject({ results: [{ seq: 1 }] });
  });
});

describe("sent again", () => {
  test("[PUSH-7] the same bytes are answered as before, take no seq and wake nobody", async () => {
    const { post } = inNewSpace();
    const body = JSON.stringify({
      client_id: "c1",
      changes: [
        reading("a", "2026-11-24T09:59:59.000001Z", expiring("2026-12-01T08:00:00+02:00")),
        deletion("b", NOW),
        reading("c", NOW, { value: {} }),
      ],
    });
    const first = (await post(body)).json as WireSyncAnswer;
    for (let time = 0; time < 3; time += 1) expect((await post(body)).json).toEqual(first);
    expect(first.results).toMatchObject([{ seq: 1 }, { seq: 2 }, { rejected: {} }]);
  });

  test("[PUSH-7] 16 times at once, they are applied once", async () => {
    const { post, sync, space } = inNewSpace();
    const body = JSON.stringify({
      changes: Array.from({ length: 20 }, (_, index) => reading(`k${index}`, NOW)),
    });
    const replies = await Promise.all(Array.from({ length: 16 }, () => post(body)));
    const results = Array.from({ length: 20 }, (_, index) => ({ seq: index + 1 }));
    for (const { json } of replies) expect(json).toMatchObject({ results, changes: [] });
    expect((await sync({})).digest?.at).toBe(20);
    const evidence = await get(server, `/v2/spaces/${space}/evidence?collection=readings`);
    expect(evidence.json).toEqual({ evidence: [] });
  });

  test("[PUSH-7] after others have written, the same bytes lose to them, and evidence is kept once", async () => {
    const { post, space } = inNewSpace();
    const body = JSON.stringify({ changes: [reading("a", "2026-11-24T09:00:00Z")] });
    await post(body);
    await post({ changes: [reading("a", "2026-11-24T09:30:00Z", { base: 1 })] });
    for (let time = 0; time < 3; time += 1) {
      expect((await post(body)).json).toMatchObject({
        results: [{ superseded: 2 }],
        changes: [{ key: "a", seq: 2 }],
      });
    }
    const evidence = await get(server, `/v2/spaces/${space}/evidence?collection=readings`);
    expect(evidence.json).toMatchObject({ evidence: [{ reason: "superseded" }] });
    expect((evidence.json as { evidence: unknown[] }).evidence).toHaveLength(1);
  });

  test("[PUSH-6] an answer that is lost says nothing: the same bytes bring the same end", async () => {
    const { post, sync, space } = inNewSpace();
    const body = JSON.stringify({ changes: [reading("a", NOW)] });
    const gone = new AbortController();
    const lost = fetch(`${server.url}/v2/spaces/${space}/sync`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: gone.signal,
    });
    gone.abort();
    await expect(lost).rejects.toThrow("aborted");
    expect((await post(body)).json).toMatchObject({ results: [{ seq: 1 }] });
    expect((await sync({})).digest?.at).toBe(1);
  });
});

describe("stamps that are ahead", () => {
  test("[CLOCK-2] [CLOCK-3] [PUSH-17] are refused with what is stored, and pass when restamped", async () => {
    const { sync } = inNewSpace();
    const ahead = "2026-11-24T10:05:00.000001Z";
    const { results } = await sync({ changes: [reading("a", ahead)] });
    expect(results).toEqual([
      {
        rejected: {
          code: "stamp_ahead",
          message: expect.any(String),
          path: "/updated_at",
          stored: null,
        },
      },
    ]);
    const edge = "2026-11-24T10:05:00Z";
    expect((await sync({ changes: [reading("a", edge)] })).results).toEqual([{ seq: 1 }]);
    const further = await sync({ changes: [reading("a", "2026-11-24T10:05:01.000001Z")] });
    expect(further.results).toMatchObject([{ rejected: { code: "stamp_ahead", stored: edge } }]);
    const step = await sync({ changes: [reading("a", "2026-11-24T10:05:01Z")] });
    expect(step.results).toEqual([{ seq: 2 }]);
  });

  test("[EVID-9] are not kept among the rejections", async () => {
    const { sync, space } = inNewSpace();
    await sync({ changes: [reading("a", "2027-01-01T00:00:00Z")] });
    const kept = await get(server, `/v2/spaces/${space}/rejections`);
    expect(kept.json).toEqual({ rejections: [] });
  });
});
