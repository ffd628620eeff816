import type { SpaceId } from "@synchro/core";
import { afterEach, describe, expect, test } from "vitest";
import type { Action, Authorize, Decision } from "../service/authorize.ts";
import { type Admission, admit } from "./admit.ts";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

const space = "shop-1" as SpaceId;

let server: TestServer;
afterEach(() => server.server.stop());

type Asked = { readonly token: string | null; readonly space: string; readonly action: Action };

/** A route that admits whom `decide` allows, and keeps what it was asked. */
const setUp = async (decide: (times: number) => Decision, action: Action = "read") => {
  const asked: Asked[] = [];
  const admissions: Admission[] = [];
  const authorize: Authorize = async ({ token }, of, what) => {
    asked.push({ token, space: of, action: what });
    return decide(asked.length);
  };
  server = await startTestServer({
    routes: [
      (app) => {
        app.get("/door", async (request, reply) => {
          const admission = await admit(authorize, request, reply, { space, action });
          if (admission === null) return reply;
          admissions.push(admission);
          return { subject: admission.subject };
        });
      },
    ],
  });
  const knock = (authorization?: string): Promise<Response> =>
    fetch(`${server.url}/door`, {
      headers: authorization === undefined ? {} : { authorization },
    });
  return { asked, admissions, knock };
};

describe("who is refused", () => {
  test.each([
    ["unauthorized", 401, "unauthorized"],
    ["forbidden", 403, "forbidden"],
    ["hidden", 404, "not_found"],
  ] as const)("[OPEN-1] [OPEN-7] %s is %i", async (kind, status, code) => {
    const { knock } = await setUp(() => ({ kind }), "write");
    const response = await knock("Bearer t");
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const challenge = 'Bearer realm="synchro", error="invalid_token"';
    expect(response.headers.get("www-authenticate")).toBe(status === 401 ? challenge : null);
    const problem = (await response.json()) as { readonly code: string; readonly detail: string };
    expect(problem.code).toBe(code);
    if (kind === "hidden") expect(problem.detail).not.toContain(space);
  });

  test("an authorisation that fails is no admission", async () => {
    const { knock, admissions } = await setUp(() => {
      throw new Error("the table is gone");
    });
    const response = await knock();
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("table");
    expect(admissions).toEqual([]);
  });
});

test.each([
  [undefined, null],
  ["Bearer secret-1._~+/=", "secret-1._~+/="],
  ["bearer secret", "secret"],
  ["Bearer   secret", "secret"],
  ["Bearer", null],
  ["Bearer a b", null],
  ["Basic secret", null],
  ["secret", null],
])("[OPEN-8] of the header %j the token is %j", async (header, token) => {
  const { knock, asked } = await setUp(() => ({ kind: "allowed", subject: null }));
  await knock(header);
  expect(asked).toEqual([{ token, space, action: "read" }]);
});

test("[OPEN-8] a token in the address is none", async () => {
  const { asked } = await setUp(() => ({ kind: "unauthorized" }));
  await fetch(`${server.url}/door?token=secret&access_token=secret`);
  expect(asked.map(({ token }) => token)).toEqual([null]);
});

test("[LIVE-14] who was admitted is asked for again with the same token, for reading, and not admitted on a doubt", async () => {
  const decisions: readonly Decision[] = [
    { kind: "allowed", subject: "ann" },
    { kind: "allowed", subject: "ann" },
    { kind: "forbidden" },
    { kind: "unauthorized" },
    { kind: "hidden" },
  ];
  const { knock, asked, admissions } = await setUp(
    (times) => decisions[times - 1] ?? { kind: "hidden" },
    "write",
  );
  expect(await (await knock("Bearer t")).json()).toEqual({ subject: "ann" });
  const [admission] = admissions;
  const again = [];
  for (let times = 0; times < 4; times += 1) again.push(await admission?.mayStillRead());
  expect(again).toEqual([true, false, false, false]);
  expect(asked.map(({ action }) => action)).toEqual(["write", "read", "read", "read", "read"]);
  expect(new Set(asked.map(({ token }) => token))).toEqual(new Set(["t"]));
});
