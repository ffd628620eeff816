import { lifeOf, type SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AdminServer, startAdminServer } from "../../../testing/start-admin-server.ts";
import { problemOf, reading } from "../../../testing/v2-requests.ts";

let server: AdminServer;

beforeEach(async () => {
  server = await startAdminServer();
});

afterEach(() => server.stop());

const sync = (body: object) => server.ask("clerk", "POST /v2/spaces/shop-1/sync", body);

type Answer = { readonly [name: string]: unknown };

const fill = async (): Promise<Answer> => {
  await sync({
    changes: [reading("a", "2026-11-24T09:00:00Z"), reading("b", "2026-11-24T09:00:00Z")],
  });
  const gone = {
    collection: "readings",
    key: "b",
    updated_at: "2026-11-24T09:01:00Z",
    deleted: true,
  };
  const answer = await sync({ changes: [gone] });
  expect(answer.status).toBe(200);
  return answer.json as Answer;
};

const requests = [
  ["POST /v2/spaces/shop-1/purge", { older_than_s: 1 }],
  ["POST /v2/spaces/shop-1/epochs", {}],
  ["GET /v2/spaces/shop-1/status", undefined],
] as const;

describe.each(requests)("%s", (request, body) => {
  test("[OPEN-1] is for who administers the space, and for nobody else", async () => {
    await fill();
    const before = await server.store.describeSpace("shop-1" as SpaceId);
    expect(problemOf(await server.ask(null, request, body), 401).code).toBe("unauthorized");
    expect(problemOf(await server.ask("clerk", request, body), 403).code).toBe("forbidden");
    expect(problemOf(await server.ask("stranger", request, body), 404).code).toBe("not_found");
    expect(await server.store.describeSpace("shop-1" as SpaceId)).toEqual(before);
    for (const holder of ["keeper", "operator"] as const) {
      expect((await server.ask(holder, request, body)).status).toBeLessThan(300);
    }
  });
});

describe("a purge", () => {
  const purge = (body: unknown) => server.ask("keeper", "POST /v2/spaces/shop-1/purge", body);

  test.each([
    {},
    { older_than_s: 0 },
    { older_than_s: -5 },
    { older_than_s: 1.5 },
    { older_than_s: "90d" },
    { older_than_s: 1e12 },
    [[]],
  ])("of %j is refused by its field", async (body) => {
    await fill();
    const problem = problemOf(await purge(body), 400);
    expect(problem.errors).toMatchObject([{ path: expect.stringMatching(/older_than_s|^$/) }]);
  });

  test("[PURGE-3] takes old tombstones, and whoever has not seen their deletes is told to drop", async () => {
    const first = await sync({ changes: [reading("b", "2026-11-24T09:00:00Z")] });
    const { cursor } = first.json as Answer;
    await fill();
    expect((await purge({ older_than_s: 3_600 })).json).toMatchObject({ purged: 0, floor: 0 });
    await server.time.advance(7_200_000);
    const answer = await purge({ older_than_s: 3_600 });
    expect(answer).toMatchObject({ status: 200, json: { purged: 1, floor: 3 } });
    expect((await sync({ cursor })).json).toMatchObject({ reset: "drop" });
    const entries = await server.control.listAudit({
      space: "shop-1" as SpaceId,
      before: null,
      limit: 9,
    });
    expect(entries).toMatchObject([
      { action: "space.purge", actor: "keeper", target: "shop-1", detail: { purged: 1, floor: 3 } },
    ]);
  });

  test("where there is no such space is 404", async () => {
    expect(
      problemOf(
        await server.ask("operator", "POST /v2/spaces/shop-9/purge", { older_than_s: 1 }),
        404,
      ).code,
    ).toBe("not_found");
  });
});

describe("an epoch", () => {
  const begin = () => server.ask("keeper", "POST /v2/spaces/shop-1/epochs", {});

  test("[EPOCH-5] that is begun is in every answer from then on, and resets nobody", async () => {
    const { cursor, ack } = await fill();
    const answer = await begin();
    expect(answer).toMatchObject({ status: 201, json: { from_seq: 3 } });
    const { epoch } = answer.json as { readonly epoch: string };
    const next = (await sync({ cursor, ack })).json as Answer;
    expect(next).not.toHaveProperty("reset");
    expect(next["cursor"]).toContain(epoch);
    const after = (await sync({ cursor, changes: [reading("c", "2026-11-24T09:00:00Z")] }))
      .json as Answer;
    expect(after["ack"]).toContain(epoch);
  });

  test("[RESET-10] after what was given up tells a push alone to keep its ack, and a pull to drop", async () => {
    const { ack, cursor } = await fill();
    const outcome = await server.store.eraseSpace("shop-1" as SpaceId);
    expect(outcome).toMatchObject({ kind: "erased" });
    const state = await server.store.describeSpace("shop-1" as SpaceId);
    expect(lifeOf(state!.epochs.at(-1)!.epoch)).toBe(1);
    const lost = "a1.00000000000000000009.99";
    const changes = [reading("new", server.time.runtime.now())];
    const alone = await sync({ pull: false, ack: lost, changes });
    // Else the answer's ack would take the place of the one that a pull must still judge.
    expect((alone.json as Answer)["ack"]).toBe(lost);
    expect((await sync({ ack: lost })).json).toMatchObject({ reset: "drop" });
    expect((await sync({ cursor, ack })).json).toMatchObject({ reset: "drop" });
  });
});

test("the status of a space tells what it is, besides its records", async () => {
  await fill();
  const answer = await server.ask("keeper", "GET /v2/spaces/shop-1/status");
  expect(answer.json).toMatchObject({ records: 1, head: 3, floor: 0, cutoff: null, epochs: 1 });
  const empty = await server.ask("operator", "GET /v2/spaces/shop-7/status");
  expect(empty.json).toMatchObject({ records: 0, head: 0, epoch: null });
});
