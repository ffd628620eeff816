import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AdminServer, startAdminServer } from "../../../testing/start-admin-server.ts";
import { deletion, problemOf, reading, type Reply } from "../../../testing/v2-requests.ts";

const monday = "2026-11-24T09:00:00Z";
const tuesday = "2026-11-24T09:30:00Z";

let server: AdminServer;

beforeEach(async () => {
  server = await startAdminServer({ quotas: { "shop-1": 3, "shop-2": 0 } });
});

afterEach(() => server.stop());

const send = (changes: readonly object[], space = "shop-1", more: object = {}): Promise<Reply> =>
  server.ask("operator", `POST /v2/spaces/${space}/sync`, { changes, ...more });

const keysIn = async (space = "shop-1"): Promise<readonly string[]> => {
  const { json } = await server.ask("operator", `GET /v2/spaces/${space}/changes`);
  return (json as { changes: readonly { key: string; deleted?: true }[] }).changes
    .filter(({ deleted }) => deleted !== true)
    .map(({ key }) => key);
};

const fill = async (): Promise<void> => {
  const answer = await send(["a", "b", "c"].map((key) => reading(key, monday)));
  expect(answer.status).toBe(200);
};

describe("[SPACE-7] a space that holds what it may", () => {
  test("refuses a push with a write whole: neither its deletes nor its evidence stay", async () => {
    await fill();
    const answer = await send([
      deletion("a", tuesday),
      reading("d", tuesday),
      reading("b", "2026-11-24T08:00:00Z", { value: { expiration_date: "2020-01-01" } }),
    ]);
    const problem = problemOf(answer, 429);
    expect(problem.code).toBe("quota_exceeded");
    expect(problem.detail).toContain("3 live records");
    expect(answer.headers.get("retry-after")).toBe("60");
    expect(await keysIn()).toEqual(["a", "b", "c"]);
    const path = "GET /v2/spaces/shop-1/evidence?collection=readings";
    expect((await server.ask("operator", path)).json).toEqual({ evidence: [] });
    const metrics = await fetch(`${server.url}/metrics`, {
      headers: { authorization: "Bearer operator" },
    });
    expect(await metrics.text()).toContain('synchro_pushes_total{outcome="over_quota"} 1');
  });

  test("refuses by /v1 as well", async () => {
    await fill();
    const answer = await server.ask("operator", "POST /v1/sync/?shop=shop-1", {
      last_sync_date: "2021-10-10T10:40:10",
      newly_created_records: [{ gtin: "d", updated_at: monday, expiration_date: monday }],
    });
    expect(problemOf(answer, 429).code).toBe("quota_exceeded");
    expect(answer.headers.get("retry-after")).toBe("60");
    expect(await keysIn()).toEqual(["a", "b", "c"]);
  });

  test("takes pushes of deletes, and of changes that are refused anyway; then it has room", async () => {
    await fill();
    const refused = await send([reading("d", "2099-01-01T00:00:00Z", { value: 7 as never })]);
    expect(refused.json).toMatchObject({ results: [{ rejected: {} }] });
    expect((await send([deletion("a", tuesday)])).json).toMatchObject({ results: [{ seq: 4 }] });
    expect((await send([reading("d", tuesday)])).json).toMatchObject({ results: [{ seq: 5 }] });
    expect(await keysIn()).toEqual(["b", "c", "d"]);
  });

  test("of which none may hold any takes nothing, though it does not exist yet", async () => {
    problemOf(await send([reading("a", monday)], "shop-2"), 429);
    expect(await server.store.describeSpace("shop-2" as never)).toBeNull();
  });

  test("is read as ever, and others hold as many as they like", async () => {
    await fill();
    expect((await send([])).json).toMatchObject({ changes: [{}, {}, {}] });
    const many = Array.from({ length: 9 }, (_, index) => reading(`k${index}`, monday));
    expect((await send(many, "shop-3")).status).toBe(200);
  });
});

test("[SPACE-8] a push that begins below the quota passes whole", async () => {
  await send([reading("a", monday), reading("b", monday)]);
  const many = Array.from({ length: 9 }, (_, index) => reading(`k${index}`, monday));
  expect((await send(many)).status).toBe(200);
  problemOf(await send([reading("z", monday)]), 429);
  expect(await keysIn()).toHaveLength(11);
});
