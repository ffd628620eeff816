import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AdminServer, startAdminServer } from "../../../testing/start-admin-server.ts";
import { problemOf } from "../../../testing/v2-requests.ts";

/** One for all: nothing here is to change anything. */
let server: AdminServer;
let before: string;

const readEverything = async (): Promise<string> =>
  JSON.stringify([
    await server.control.listSpaces(),
    await server.control.listDevices(null),
    await server.control.listAudit({ space: null, before: null, limit: 99 }),
  ]);

beforeAll(async () => {
  server = await startAdminServer();
  for (const id of ["shop-1", "shop-2"]) await server.ask("operator", "POST /v2/spaces", { id });
  before = await readEverything();
});

afterAll(() => server.stop());

describe("a space that is malformed is named by its field", () => {
  test.each([
    [{}, "/id", "is required"],
    [{ id: "Shop" }, "/id", "must be the id of a space"],
    [{ id: "shop", title: "" }, "/title", "must not be empty"],
    [{ id: "shop", title: "x".repeat(129) }, "/title", "at most 128"],
    [{ id: "shop", title: "a\nb" }, "/title", "control characters"],
    [{ id: "shop", records_max: -1 }, "/records_max", "at least 0"],
    [{ id: "shop", records_max: 1.5 }, "/records_max", "must be an integer or null"],
    [{ id: "shop", records_max: "9" }, "/records_max", "must be an integer or null"],
  ])("%j", async (body, path, rule) => {
    const problem = problemOf(await server.ask("operator", "POST /v2/spaces", body), 400);
    expect(problem.errors).toHaveLength(1);
    expect(problem.errors?.[0]?.path).toBe(path);
    expect(problem.errors?.[0]?.message).toContain(rule);
  });

  test("a body that breaks the data rules, and none at all", async () => {
    const send = (method: string, path: string, body?: string) =>
      fetch(`${server.url}${path}`, {
        method,
        headers: { authorization: "Bearer operator", "content-type": "application/json" },
        ...(body === undefined ? {} : { body }),
      });
    const twice = await send("POST", "/v2/spaces", '{"id":"shop-1","id":"shop-2"}');
    expect(twice.status).toBe(400);
    expect(await twice.json()).toMatchObject({ errors: [{ path: "/id" }] });
    const none = await send("PATCH", "/v2/spaces/shop-1");
    expect(none.status).toBe(400);
    expect(await none.json()).toMatchObject({ code: "bad_json" });
  });

  test.each([
    ["?limit=0", "/limit"],
    ["?limit=1001", "/limit"],
    ["?limit=x", "/limit"],
    ["?after=A", "/after"],
    ["?after=a&after=b", "/after"],
  ])("GET /v2/spaces%s", async (query, path) => {
    const problem = problemOf(await server.ask("operator", `GET /v2/spaces${query}`), 400);
    expect(problem.errors?.[0]?.path).toBe(path);
  });
});

describe("a device that is malformed", () => {
  test.each([
    [{}, ["/code", "/secret", "/name"]],
    [{ code: 1, secret: "A".repeat(43), name: "x" }, ["/code"]],
    [{ code: "", secret: "A".repeat(43), name: "x" }, ["/code"]],
    [{ code: "7KQ4-M2XD-9RT", secret: "A".repeat(43), name: "x" }, ["/code"]],
    [{ code: "7KQ4-M2XD-9RTU", secret: "A".repeat(43), name: "x" }, ["/code"]],
    [{ code: "7KQ4-M2XD-9RTA", secret: "A".repeat(42), name: "x" }, ["/secret"]],
    [{ code: "7KQ4-M2XD-9RTA", secret: "A".repeat(44), name: "x" }, ["/secret"]],
    [{ code: "7KQ4-M2XD-9RTA", secret: `${"A".repeat(42)}+`, name: "x" }, ["/secret"]],
    [{ code: "7KQ4-M2XD-9RTA", secret: "A".repeat(43), name: "" }, ["/name"]],
    [{ code: "7KQ4-M2XD-9RTA", secret: "A".repeat(43), name: "\u001B[2J" }, ["/name"]],
  ])("[DEVICE-4] %j is malformed, and named without being told", async (body, paths) => {
    const problem = problemOf(await server.ask(null, "POST /v2/devices", body), 400);
    expect(problem.errors?.map(({ path }) => path)).toEqual(paths);
    expect(JSON.stringify(problem)).not.toContain("AAAA");
  });
});

describe("an invitation", () => {
  test.each([
    ["clerk", "shop-1", 403],
    ["both", "shop-2", 403],
    ["watcher", "shop-1", 403],
    ["stranger", "shop-1", 404],
    ["operator", "typo", 404],
    ["operator", "TYPO", 404],
  ] as const)("[SPACE-6] by %s into %s is refused: %i", async (holder, space, status) => {
    const path = `POST /v2/spaces/${space}/invitations`;
    const answer = await server.ask(holder, path, { level: "read" });
    expect(problemOf(answer, status).status).toBe(status);
  });

  test.each([
    [{}, "/level"],
    [{ level: "owner" }, "/level"],
    [{ level: "read", expires_in_s: 0 }, "/expires_in_s"],
    [{ level: "read", expires_in_s: 2_592_001 }, "/expires_in_s"],
    [{ level: "read", uses: 0 }, "/uses"],
    [{ level: "read", uses: 1_001 }, "/uses"],
    [{ level: "read", label: "x".repeat(129) }, "/label"],
  ])("%j is malformed", async (body, path) => {
    const answer = await server.ask("keeper", "POST /v2/spaces/shop-1/invitations", body);
    expect(problemOf(answer, 400).errors?.map((error) => error.path)).toEqual([path]);
  });
});

test.each([
  ["keeper", "", 403],
  ["watcher", "", 403],
  ["clerk", "?space=shop-1", 403],
  ["both", "?space=shop-2", 403],
  ["stranger", "?space=shop-1", 404],
  ["operator", "?space=A", 400],
  ["operator", "?before=0", 400],
  ["operator", "?limit=1001", 400],
] as const)("[AUDIT-4] %s can't read the log%s: %i", async (holder, query, status) => {
  const answer = await server.ask(holder, `GET /v2/audit${query}`);
  expect(problemOf(answer, status).status).toBe(status);
});

test("nothing of all this has changed anything", async () => {
  expect(await readEverything()).toBe(before);
});
