import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTokenServer, type TokenServer } from "../../../testing/start-token-server.ts";

let server: TokenServer;
beforeEach(async () => {
  server = await startTokenServer();
});
afterEach(() => server.stop());

const send = async (token: string | null, path: string, gtin: string) =>
  server.fetch(token, path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      last_sync_date: "1970-01-01",
      newly_created_records: [
        { gtin, updated_at: "2026-11-24T10:00:00Z", expiration_date: "2026-12-01" },
      ],
    }),
  });

const gtinsOf = async (token: string, path: string): Promise<readonly string[]> => {
  const { data } = (await (await server.fetch(token, path)).json()) as {
    readonly data: readonly { readonly gtin: string }[];
  };
  return data.map(({ gtin }) => gtin);
};

describe("[V1-23] a request that names no shop", () => {
  test.each([
    ["two spaces", { malmo: "write", lund: "write" }],
    ["every space", { "*": "write" }],
    ["every space and one", { "*": "read", malmo: "write" }],
  ])("is 400 and names shop where its token holds %s", async (_, spaces) => {
    const token = await server.access.token(spaces);
    const answers = [
      await send(token, "/v1/sync/", "a"),
      await server.fetch(token, "/v1/readings/"),
      await server.fetch(token, "/v1/readings/stream"),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: "shop_required",
        errors: [{ path: "/shop", message: expect.stringContaining("more than one space") }],
      });
    }
  });

  test("is for the token's only space", async () => {
    const token = await server.access.token({ malmo: "write" });
    expect((await send(token, "/v1/sync/", "a")).status).toBe(200);
    expect(await gtinsOf(token, "/v1/readings/")).toEqual(["a"]);
    expect(await gtinsOf(token, "/v1/readings/?shop=malmo")).toEqual(["a"]);
  });

  test("is never for default, with a token", async () => {
    const token = await server.access.token({ malmo: "read" });
    const operator = await server.access.token({ "*": "admin" });
    await send(operator, "/v1/sync/?shop=default", "default's");
    expect(await gtinsOf(token, "/v1/readings/")).toEqual([]);
    expect((await server.fetch(token, "/v1/readings/?shop=default")).status).toBe(404);
    expect((await server.fetch(null, "/v1/readings/")).status).toBe(401);
  });

  test("writes only where the token may, and its subject is the author", async () => {
    const reader = await server.access.token({ malmo: "read" });
    expect((await send(reader, "/v1/sync/", "a")).status).toBe(403);
    const writer = await server.access.token({ malmo: "write" }, { subject: "ann" });
    await send(writer, "/v1/sync/", "a");
    const changes = await server.fetch(writer, "/v2/spaces/malmo/changes");
    expect(await changes.json()).toMatchObject({ changes: [{ key: "a", author: "ann" }] });
  });
});
