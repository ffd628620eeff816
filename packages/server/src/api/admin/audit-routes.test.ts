import type { WireAuditList } from "@synchro/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type AdminServer,
  type Holder,
  startAdminServer,
} from "../../../testing/start-admin-server.ts";
import { problemOf } from "../../../testing/v2-requests.ts";
import { ControlUnavailableError } from "../../control/control-unavailable-error.ts";

let server: AdminServer;

beforeEach(async () => {
  server = await startAdminServer();
  for (const id of ["shop-1", "shop-2"]) await server.ask("operator", "POST /v2/spaces", { id });
  await server.ask("keeper", "PATCH /v2/spaces/shop-1", { title: "Malmö" });
  await server.ask("keeper", "PATCH /v2/spaces/shop-1", { title: "Malmö" });
  await server.ask("operator", "POST /v2/revocations", {
    token_id: "t1",
    expires_at: "2026-12-24T10:00:00Z",
  });
});

afterEach(() => server.stop());

const read = async (holder: Holder, query = ""): Promise<WireAuditList["entries"]> => {
  const answer = await server.ask(holder, `GET /v2/audit${query}`);
  expect(answer.status).toBe(200);
  return (answer.json as WireAuditList).entries;
};

test("[AUDIT-1] [AUDIT-4] who administers all reads all: each action once, with who, when and what", async () => {
  expect(await read("operator")).toEqual([
    {
      number: 4,
      at: "2026-11-24T10:00:00Z",
      actor: "operator",
      action: "token.revoke",
      target: "t1",
      space: null,
      detail: { expires_at: "2026-12-24T10:00:00Z" },
    },
    {
      number: 3,
      at: "2026-11-24T10:00:00Z",
      actor: "keeper",
      action: "space.change",
      target: "shop-1",
      space: "shop-1",
      detail: { title: "Malmö", records_max: null },
    },
    expect.objectContaining({ number: 2, action: "space.create", target: "shop-2" }),
    expect.objectContaining({ number: 1, action: "space.create", target: "shop-1" }),
  ]);
});

test("[AUDIT-4] who administers a space reads what concerns it alone, in pages", async () => {
  const numbers = async (query: string): Promise<readonly number[]> =>
    (await read("keeper", `?space=shop-1${query}`)).map(({ number }) => number);
  expect(await numbers("")).toEqual([3, 1]);
  expect(await numbers("&limit=1")).toEqual([3]);
  expect(await numbers("&before=3")).toEqual([1]);
  expect(await numbers("&before=1")).toEqual([]);
});

test.each([
  ["full", 507, "storage_full"],
  ["busy", 503, "unavailable"],
  ["broken", 503, "unavailable"],
] as const)(
  "a control store that is %s: %i, and nothing is changed",
  async (reason, status, code) => {
    const broken = await startAdminServer({
      control: (store) =>
        new Proxy(store, {
          get: (target, name) => {
            const member = Reflect.get(target, name) as unknown;
            if (name === "createSpace") {
              return () => Promise.reject(new ControlUnavailableError(reason));
            }
            return typeof member === "function" ? member.bind(target) : member;
          },
        }),
    });
    const answer = await broken.ask("operator", "POST /v2/spaces", { id: "shop-1" });
    expect(problemOf(answer, status).code).toBe(code);
    expect(answer.headers.get("retry-after")).toBe(reason === "full" ? null : "5");
    await broken.stop();
  },
);

test("a defect of the control store is one: 500, without its words", async () => {
  const broken = await startAdminServer({
    control: (store) =>
      new Proxy(store, {
        get: (target, name) => {
          const member = Reflect.get(target, name) as unknown;
          if (name === "listAudit") return () => Promise.reject(new Error("a secret cause"));
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  const answer = await broken.ask("operator", "GET /v2/audit");
  expect(problemOf(answer, 500).code).toBe("internal");
  expect(answer.text).not.toContain("secret cause");
  await broken.stop();
});
