import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Identify, Identity } from "../service/authorize.ts";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";
import { isPublicRoute } from "./identify-callers.ts";

let server: TestServer;
let identity: Identity;
let asked: (readonly [string | null, boolean])[];
const grants = (...spaces: readonly string[]) =>
  new Map(spaces.map((space) => [space, "read"])) as never;

beforeEach(async () => {
  asked = [];
  identity = { kind: "unauthorized" };
  const identify: Identify = async ({ token }, { counts }) => {
    asked.push([token, counts]);
    return identity;
  };
  server = await startTestServer({
    access: { kind: "tokens", identify },
    corsOrigins: ["https://app.example"],
  });
});
afterEach(() => server.server.stop());

const get = (path: string, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${server.url}${path}`, { headers });

describe("[TOKEN-8] who is not known", () => {
  test.each([
    [{}, 'Bearer realm="synchro"'],
    [{ authorization: "Bearer x" }, 'Bearer realm="synchro", error="invalid_token"'],
    [{ authorization: "Basic eDp5" }, 'Bearer realm="synchro", error="invalid_token"'],
    [{ authorization: "Bearer" }, 'Bearer realm="synchro", error="invalid_token"'],
  ])("%j is told how to be (RFC 6750)", async (headers, challenge) => {
    const response = await get("/spaces/a", headers);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(challenge);
    expect(await response.json()).toMatchObject({ code: "unauthorized" });
  });

  test("is refused before a byte of a body is asked for or read", async () => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n";
    const answer = await Promise.race([
      server.raw(`${head}Connection: close\r\n\r\n`),
      new Promise((resolve) => setTimeout(resolve, 2_000, "waits for the body")),
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("is not told to send its body on, where it asked before sending", async () => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    expect(await server.raw(head)).toMatch(/^HTTP\/1\.1 401 /);
    identity = { kind: "known", principal: { subject: "ann", grants: grants("a") } };
    expect(await server.raw(head, "{}")).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  test("and where it can't be known, or too often, it is 503 or 429 with Retry-After", async () => {
    identity = { kind: "unavailable" };
    const unavailable = await get("/spaces/a");
    expect(unavailable.status).toBe(503);
    expect(unavailable.headers.get("retry-after")).toBe("5");
    identity = { kind: "limited", retryAfterS: 7 };
    const limited = await get("/spaces/a");
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("7");
    expect(await limited.json()).toMatchObject({ code: "rate_limited", status: 429 });
  });
});

describe("[TOKEN-8] a request", () => {
  test("is counted once, by the token of its header in whatever case of Bearer", async () => {
    identity = { kind: "known", principal: { subject: "ann", grants: grants("a") } };
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      expect((await get("/spaces/a", { authorization: `${scheme} t` })).status).toBe(200);
    }
    expect(asked).toEqual([
      ["t", true],
      ["t", true],
      ["t", true],
    ]);
  });

  test("through a proxy, or to any host, is served: a token vouches for it", async () => {
    identity = { kind: "known", principal: { subject: "ann", grants: grants("a") } };
    const answer = await server.raw(
      "GET /spaces/a HTTP/1.1\r\nHost: shops.example\r\nX-Forwarded-For: 10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("for metrics takes a token of every space", async () => {
    identity = { kind: "known", principal: { subject: "ann", grants: grants("a", "b") } };
    const refused = await get("/metrics");
    expect(refused.status).toBe(403);
    expect(await refused.text()).not.toContain("synchro_");
    identity = { kind: "known", principal: { subject: "ops", grants: grants("*") } };
    expect(await (await get("/metrics")).text()).toContain("synchro_");
  });
});

test("[LIMIT-7] a request that names no host is 400", async () => {
  const answer = await server.raw("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain("application/problem+json");
});

describe("[TOKEN-8] without a token", () => {
  test.each(["/", "/healthz", "/readyz", "/docs", "/docs/static/swagger-ui.css", "/openapi.json"])(
    "%s answers",
    async (path) => {
      expect((await get(path)).status).toBe(200);
      expect(asked).toEqual([]);
    },
  );

  test("a path that is not there is 404, and a preflight is answered", async () => {
    expect((await get("/nothing")).status).toBe(404);
    const preflight = await fetch(`${server.url}/echo`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const refused = await get("/spaces/a", { origin: "https://app.example" });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("access-control-allow-origin")).toBe("https://app.example");
  });

  test.each([
    ["POST", "/v2/devices", true],
    ["POST", "/v2/devices/:device/token", true],
    ["DELETE", "/v2/devices/:device", false],
    ["GET", "/v2/devices", false],
    ["POST", "/v2/devicesx", false],
    ["POST", "/docs", false],
    ["GET", "/docsx", false],
    ["GET", "/metrics", false],
    ["HEAD", "/metrics", false],
    ["GET", "", false],
  ])("%s %s is public: %j", (method, pattern, isPublic) => {
    expect(isPublicRoute(method, pattern)).toBe(isPublic);
  });

  test.each(["//metrics", "/metrics/", "/%6detrics", "/METRICS", "/docs/../metrics"])(
    "%s is no way around",
    async (path) => {
      const answer = await server.raw(
        `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 (?:401|404) /);
      expect(answer).not.toContain("synchro_");
    },
  );
});
