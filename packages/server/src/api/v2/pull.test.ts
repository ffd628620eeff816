import { defaultLimits, type WirePullAnswer } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import {
  changesPath,
  deletion,
  get,
  problemOf,
  pull,
  push,
  type Query,
  reading,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";

const NOW = "2026-11-24T10:00:00Z";
const LATER = "2026-11-24T10:00:01Z";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    limits: { pageRecordsDefault: 5, pageRecordsMax: 8 },
    runtime: new VirtualTime().runtime,
  });
});
afterAll(() => server.stop());

const batch = (key: string, updatedAt: string) => ({
  collection: "batches",
  key,
  updated_at: updatedAt,
  value: { gtin: "1", expiration_date: "2026-12-01" },
});

/** `seq` with a minus sign where it is a tombstone. */
const signed = ({ changes }: WirePullAnswer): readonly number[] =>
  changes.map((record) => ("deleted" in record ? -record.seq : record.seq));

/** Pulls from a position to the end of the run. */
const run = async (space: string, query: Query) => {
  const pages: WirePullAnswer[] = [];
  let isOfferRun = query["tombstones"] === true;
  for (let position = query; ;) {
    const page = await pull(server, position, space);
    pages.push(page);
    isOfferRun ||= page.reset === "offer";
    if (!page.more) break;
    const { ack: _, ...rest } = query;
    position = { ...rest, cursor: page.cursor ?? "", ...(isOfferRun ? { tombstones: true } : {}) };
  }
  return { pages, seqs: pages.flatMap(signed), cursor: pages.at(-1)?.cursor ?? "" };
};

describe("a query that breaks a rule is 400 with its path", () => {
  const tooLong = "x".repeat(defaultLimits.cursorLengthMax + 1);

  test.each([
    ["[LIMIT-6] limit 0", "limit=0", "/limit"],
    ["[LIMIT-6] a limit below it", "limit=-1", "/limit"],
    ["[LIMIT-6] a limit with a fraction", "limit=1.0", "/limit"],
    ["[LIMIT-6] a limit with a leading zero", "limit=01", "/limit"],
    ["[LIMIT-6] a limit in words", "limit=ten", "/limit"],
    ["[LIMIT-6] a limit twice", "limit=1&limit=1", "/limit"],
    ["a wait below zero", "wait=-1", "/wait"],
    ["a wait in words", "wait=soon", "/wait"],
    ["tombstones that is no boolean", "tombstones=1", "/tombstones"],
    ["[PULL-11] empty names", "collections=,", "/collections/0"],
    ["[PULL-11] an empty last name", "collections=readings,", "/collections/1"],
    ["a name that none can be", "collections=Readings", "/collections/0"],
    ["[PULL-17] a cursor that is too long", `cursor=${tooLong}`, "/cursor"],
    ["[PULL-17] an ack that is too long", `ack=${tooLong}`, "/ack"],
    ["[PULL-17] a cursor twice", "cursor=a&cursor=b", "/cursor"],
  ])("%s", async (_, query, path) => {
    for (const accept of ["application/json", "application/x-ndjson", "text/event-stream"]) {
      const reply = await get(server, `/v2/spaces/bad/changes?${query}`, { accept });
      const problem = problemOf(reply, 400);
      expect(problem.code).toBe("bad_request");
      expect(problem.errors?.map((error) => error.path)).toContain(path);
    }
  });

  test("[PULL-17] so is a Last-Event-ID that is too long", async () => {
    const headers = {
      accept: "text/event-stream",
      "last-event-id": tooLong,
    };
    const problem = problemOf(await get(server, changesPath({}, "bad"), headers), 400);
    expect(problem.errors).toMatchObject([{ path: "/cursor" }]);
  });

  test("an empty parameter counts as absent, and one that nobody knows is not looked at", async () => {
    await push(server, [reading("a", NOW)], "empty");
    const reply = await get(
      server,
      "/v2/spaces/empty/changes?cursor=&ack=&collections=&limit=&wait=&tombstones=&colour=red",
    );
    expect(reply.json).toMatchObject({ changes: [{ key: "a" }] });
    expect(reply.json).not.toHaveProperty("reset");
  });
});

test("[LIVE-1] the answer to the letter", async () => {
  const space = "letter";
  await push(server, [reading("a", NOW, { author: "ann" }), deletion("b", NOW)], space);
  const reply = await get(
    server,
    changesPath({ tombstones: true, collections: "readings" }, space),
  );
  expect(reply.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(reply.headers.get("cache-control")).toBe("no-store");
  expect(reply.json).toEqual({
    cursor: expect.stringMatching(/^[\w.~*-]+$/),
    more: false,
    now: NOW,
    changes: [
      {
        collection: "readings",
        key: "a",
        seq: 1,
        updated_at: NOW,
        value: { expiration_date: "2026-12-01" },
        author_unverified: "ann",
      },
      { collection: "readings", key: "b", seq: 2, updated_at: NOW, deleted: true },
    ],
    digest: {
      at: 2,
      collections: { readings: { count: 1, sum: expect.stringMatching(/^[0-9a-f]{16}$/) } },
    },
  });
});

describe("pages", () => {
  /** Twelve changes in two collections: seqs 1, 4 and 9 were replaced, 10 to 12 are tombstones. */
  const fill = async (space: string): Promise<void> => {
    await push(
      server,
      [
        reading("a", NOW),
        reading("b", NOW),
        batch("x", NOW),
        batch("y", NOW),
        reading("c", NOW),
        batch("z", NOW),
        reading("d", NOW),
        batch("w", NOW),
        reading("e", NOW),
      ],
      space,
    );
    await push(
      server,
      [deletion("a", LATER), deletion("y", LATER, "batches"), deletion("e", LATER)],
      space,
    );
  };

  const expected: readonly (readonly [
    set: string,
    seqs: readonly number[],
    offer: readonly number[],
  ])[] = [
    ["", [2, 3, 5, 6, 7, 8], [2, 3, 5, 6, 7, 8, -10, -11, -12]],
    ["readings", [2, 5, 7], [2, 5, 7, -10, -12]],
    ["batches", [3, 6, 8], [3, 6, 8, -11]],
    ["batches,readings", [2, 3, 5, 6, 7, 8], [2, 3, 5, 6, 7, 8, -10, -11, -12]],
  ];

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    "[PULL-3] [PULL-7] [PULL-13] [RESET-7] of %i records bring each record once, of every set, live alone or with tombstones",
    async (limit) => {
      const space = `pages-${limit}`;
      await fill(space);
      for (const [collections, live, offered] of expected) {
        const set = collections === "" ? {} : { collections };
        const first = await run(space, { ...set, limit });
        expect(first.seqs).toEqual(live);
        expect((await run(space, { ...set, limit, tombstones: true })).seqs).toEqual(offered);
        const offer = await run(space, { ...set, limit, cursor: "?" });
        expect(offer.seqs).toEqual(offered);
        expect(offer.pages.map(({ reset }) => reset)).toEqual(
          offer.pages.map((_, index) => (index === 0 ? "offer" : undefined)),
        );
        for (const { pages } of [first, offer]) {
          expect(pages.slice(0, -1).every(({ changes }) => changes.length > 0)).toBe(true);
          expect(pages.every(({ changes }) => changes.length <= Math.min(limit, 8))).toBe(true);
          expect(pages.map(({ digest }) => digest?.at)).toEqual(
            pages.map((_, index) => (index === pages.length - 1 ? 12 : undefined)),
          );
        }
        const { pages } = await run(space, { ...set, limit, cursor: first.cursor });
        expect(pages).toMatchObject([{ changes: [], more: false, digest: { at: 12 } }]);
      }
    },
  );

  test("[LIMIT-6] without limit a page has the default, and a greater limit counts as the greatest", async () => {
    const space = "defaults";
    const changes = Array.from({ length: 20 }, (_, index) => reading(`k${index}`, NOW));
    await push(server, changes, space);
    expect((await pull(server, {}, space)).changes).toHaveLength(5);
    expect((await pull(server, { limit: 8 }, space)).changes).toHaveLength(8);
    expect((await pull(server, { limit: 9_007_199_254_740_991 }, space)).changes).toHaveLength(8);
  });

  test("[PULL-7] that match nothing advance the cursor to the head", async () => {
    const space = "elsewhere";
    await push(server, [reading("a", NOW)], space);
    const first = await pull(server, { collections: "batches" }, space);
    expect(first).toMatchObject({ changes: [], more: false, digest: { at: 1 } });
    await push(server, [reading("b", NOW)], space);
    const second = await pull(
      server,
      { collections: "batches", cursor: first.cursor ?? "" },
      space,
    );
    expect(second).toMatchObject({ changes: [], more: false, digest: { at: 2 } });
    expect(second.cursor).not.toBe(first.cursor);
  });

  test("[PULL-13] a delete that comes during a run from the beginning is sent, one from before is not", async () => {
    const space = "moving";
    await push(
      server,
      ["a", "b", "c"].map((key) => reading(key, NOW)),
      space,
    );
    await push(server, [deletion("b", LATER)], space);
    const first = await pull(server, { limit: 1 }, space);
    await push(server, [deletion("a", LATER)], space);
    const second = await pull(server, { limit: 5, cursor: first.cursor ?? "" }, space);
    expect([signed(first), signed(second)]).toEqual([[1], [3, -5]]);
  });

  test("[PULL-2] a record committed late with an old stamp is new to whoever has read past that time", async () => {
    const space = "late";
    await push(server, [reading("b", NOW)], space);
    const { cursor } = await pull(server, {}, space);
    await push(server, [reading("a", "2020-01-01T00:00:00Z")], space);
    expect(signed(await pull(server, { cursor: cursor ?? "" }, space))).toEqual([2]);
  });
});
