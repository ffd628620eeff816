import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type AdminServer,
  type Holder,
  startAdminServer,
} from "../../../testing/start-admin-server.ts";
import { problemOf, reading } from "../../../testing/v2-requests.ts";

const monday = "2026-11-24T09:00:00Z";

let server: AdminServer;

beforeEach(async () => {
  server = await startAdminServer();
});

afterEach(() => server.stop());

const fill = async (space: string, keys: readonly string[]): Promise<void> => {
  const changes = keys.map((key) => reading(key, monday));
  const answer = await server.ask("operator", `POST /v2/spaces/${space}/sync`, { changes });
  expect(answer.status).toBe(200);
};

type Listed = { readonly spaces: readonly { readonly id: string }[]; readonly more: boolean };

const list = async (holder: Holder, query = ""): Promise<Listed> => {
  const answer = await server.ask(holder, `GET /v2/spaces${query}`);
  expect(answer.status).toBe(200);
  return answer.json as Listed;
};

const idsOf = async (holder: Holder): Promise<readonly string[]> =>
  (await list(holder)).spaces.map(({ id }) => id);

const make = (id: string, more: object = {}) =>
  server.ask("operator", "POST /v2/spaces", { id, ...more });

describe("who may not", () => {
  test("without a token nothing is told", async () => {
    for (const request of [
      "GET /v2/spaces",
      "POST /v2/spaces",
      "PATCH /v2/spaces/shop-1",
      "DELETE /v2/spaces/shop-1",
      "GET /v2/audit",
    ]) {
      const answer = await server.ask(null, request, request.startsWith("P") ? {} : undefined);
      expect(problemOf(answer, 401).code).toBe("unauthorized");
    }
  });

  test.each(["keeper", "watcher", "clerk", "both"] as const)(
    "[SPACE-6] %s can't make a space, and learns nothing by trying",
    async (holder) => {
      await make("shop-9");
      for (const id of ["shop-9", "shop-8"]) {
        const answer = await server.ask(holder, "POST /v2/spaces", { id });
        expect(problemOf(answer, 403).detail).toBe(
          "this needs a token with admin of every space (*)",
        );
      }
      expect((await server.control.listSpaces()).map(({ id }) => id)).toEqual(["shop-9"]);
    },
  );

  test.each([
    ["clerk", 403],
    ["watcher", 403],
    ["stranger", 404],
  ] as const)("[SPACE-6] %s can't change or delete a space: %i", async (holder, status) => {
    await make("shop-1", { title: "Malmö" });
    problemOf(await server.ask(holder, "PATCH /v2/spaces/shop-1", { title: "x" }), status);
    problemOf(await server.ask(holder, "DELETE /v2/spaces/shop-1"), status);
    expect(await server.control.listSpaces()).toMatchObject([{ title: "Malmö", deletedAt: null }]);
  });

  test("a foreign space and a missing one are answered alike", async () => {
    await make("shop-1");
    const foreign = await server.ask("stranger", "PATCH /v2/spaces/shop-1", { title: "x" });
    const missing = await server.ask("stranger", "PATCH /v2/spaces/shop-3", { title: "x" });
    expect(foreign.text).toBe(missing.text);
  });
});

describe("making, changing, deleting", () => {
  test("[SPACE-2] a space is made once, also when it was deleted meanwhile", async () => {
    const made = await make("shop-1", { title: "Malmö", records_max: 5 });
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      id: "shop-1",
      title: "Malmö",
      level: "admin",
      records: 0,
      records_max: 5,
      created_at: "2026-11-24T10:00:00Z",
    });
    expect(problemOf(await make("shop-1", { title: "Lund" }), 409).code).toBe("space_exists");
    await server.ask("operator", "DELETE /v2/spaces/shop-1");
    expect(problemOf(await make("shop-1", { title: "Lund" }), 409).detail).toContain("deleted");
    expect(await server.control.listSpaces()).toMatchObject([{ title: "Malmö" }]);
  });

  test("[SPACE-1] one that exists by its records is shown by its id, made or named later", async () => {
    await fill("shop-1", ["a", "b"]);
    expect((await list("keeper")).spaces).toEqual([
      {
        id: "shop-1",
        title: "shop-1",
        level: "admin",
        records: 2,
        records_max: null,
        created_at: null,
      },
    ]);
    const named = await server.ask("keeper", "PATCH /v2/spaces/shop-1", { title: "Malmö" });
    expect(named.json).toMatchObject({ id: "shop-1", title: "Malmö", records: 2 });
    await fill("shop-2", ["a"]);
    expect((await make("shop-2", { records_max: 9 })).json).toMatchObject({
      title: "shop-2",
      records: 1,
      records_max: 9,
    });
  });

  test("a space that exists nowhere can't be changed or deleted", async () => {
    problemOf(await server.ask("operator", "PATCH /v2/spaces/typo", { title: "x" }), 404);
    problemOf(await server.ask("operator", "DELETE /v2/spaces/typo"), 404);
    problemOf(await server.ask("operator", "DELETE /v2/spaces/TYPO"), 404);
    expect(await server.control.listSpaces()).toEqual([]);
  });

  test("title and quota change, each alone, and null takes the quota away", async () => {
    await make("shop-1", { title: "Malmö", records_max: 5 });
    const change = async (body: object) =>
      (await server.ask("keeper", "PATCH /v2/spaces/shop-1", body)).json;
    expect(await change({ title: "Lund" })).toMatchObject({ title: "Lund", records_max: 5 });
    expect(await change({ records_max: null })).toMatchObject({ title: "Lund", records_max: null });
    expect(await change({})).toMatchObject({ title: "Lund", records_max: null });
  });

  test("[SPACE-3] a deleted space answers everybody as one that does not exist, and its records come back with it", async () => {
    await fill("shop-1", ["a"]);
    expect((await server.ask("keeper", "DELETE /v2/spaces/shop-1")).status).toBe(204);
    for (const holder of ["operator", "keeper", "clerk"] as const) {
      for (const request of [
        "GET /v2/spaces/shop-1/changes",
        "GET /v2/spaces/shop-1/devices",
        "DELETE /v2/spaces/shop-1",
      ]) {
        problemOf(await server.ask(holder, request), 404);
      }
      expect(await idsOf(holder)).not.toContain("shop-1");
    }
    const by = { actor: "cli:ann@desk", now: server.time.runtime.now() };
    await server.control.undeleteSpace("shop-1" as SpaceId, by);
    const pulled = await server.ask("clerk", "GET /v2/spaces/shop-1/changes");
    expect(pulled.json).toMatchObject({ changes: [{ key: "a" }] });
  });
});

describe("the list", () => {
  test("[SPACE-4] shows what the grants name, there or not, and to a holder of all what exists", async () => {
    await fill("shop-7", ["a"]);
    await make("shop-5");
    await make("shop-6");
    await server.ask("operator", "DELETE /v2/spaces/shop-6");
    expect(await idsOf("operator")).toEqual(["shop-5", "shop-7"]);
    expect(await idsOf("watcher")).toEqual(["shop-5", "shop-7"]);
    expect(await idsOf("both")).toEqual(["shop-1", "shop-2"]);
    expect(await idsOf("stranger")).toEqual(["shop-2"]);
    const { spaces } = await list("both");
    expect(spaces).toMatchObject([{ level: "admin" }, { level: "read" }]);
    expect((await list("watcher")).spaces[0]).toMatchObject({ level: "write" });
  });

  test("[SPACE-5] comes in pages, by id, without a gap or a repeat", async () => {
    const ids = Array.from({ length: 7 }, (_, index) => `s-${index}`);
    for (const id of ids.toReversed()) await make(id);
    const seen: string[] = [];
    let after = "";
    for (;;) {
      const page = await list("operator", `?limit=3&after=${after}`);
      seen.push(...page.spaces.map(({ id }) => id));
      expect(page.spaces.length).toBeLessThanOrEqual(3);
      if (!page.more) break;
      after = seen.at(-1) ?? "";
    }
    expect(seen).toEqual(ids);
    expect((await list("operator", "?limit=7")).more).toBe(false);
  });

  test("is the caller's alone: no cache keeps it", async () => {
    const answer = await server.ask("operator", "GET /v2/spaces");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

test("the routes stand in the documentation, with what they take and answer", async () => {
  const { json } = await server.ask(null, "GET /openapi.json");
  const { paths } = json as { readonly paths: { readonly [path: string]: object } };
  expect(paths).toMatchObject({
    "/v2/spaces": { get: {}, post: { requestBody: {} } },
    "/v2/spaces/{space}": { patch: { requestBody: {} }, delete: {} },
    "/v2/spaces/{space}/invitations": { post: { requestBody: {} } },
    "/v2/spaces/{space}/devices": { get: {} },
    "/v2/devices": { post: { requestBody: {} } },
    "/v2/devices/{device}": { delete: {} },
    "/v2/devices/{device}/token": { post: {} },
    "/v2/revocations": { post: { requestBody: {} } },
    "/v2/audit": { get: {} },
  });
});
