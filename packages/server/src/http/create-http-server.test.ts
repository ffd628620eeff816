import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});

afterAll(() => server.server.stop());

type Problem = { readonly status: number; readonly code: string; readonly detail: string };

const get = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, init);

const ask = (method: string, path: string, headers = "") =>
  server.raw(
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`,
  );

const problemIn = (answer: string): Problem => {
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  expect(head.toLowerCase()).toContain("cache-control: no-store");
  const problem = JSON.parse(body) as Problem;
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${problem.status} `));
  return problem;
};

describe("[LIMIT-8] a path or method that is not there", () => {
  test.each([
    ["GET", "/nothing"],
    ["POST", "/nothing"],
    ["OPTIONS", "/nothing"],
    ["PROPFIND", "/nothing"],
    ["GET", "/ECHO"],
    ["GET", "/echo/more"],
    ["GET", "//echo"],
    ["GET", "/docs/static/../../package.json"],
    ["GET", "/docs/static/nothing.js"],
    ["GET", "/spaces"],
  ])("%s %s is 404", async (method, path) => {
    expect(problemIn(await ask(method, path)).code).toBe("not_found");
  });

  test("a 404 is said before the body is read", async () => {
    const answer = await ask(
      "POST",
      "/nothing",
      "Content-Type: text/plain\r\nContent-Length: 9\r\n",
    );
    expect(problemIn(answer).code).toBe("not_found");
  });

  test.each([
    ["GET", "/echo", "POST, OPTIONS"],
    ["HEAD", "/echo", "POST, OPTIONS"],
    ["PUT", "/echo/", "POST, OPTIONS"],
    ["DELETE", "/echo?a=1", "POST, OPTIONS"],
    ["PROPFIND", "/echo", "POST, OPTIONS"],
    ["POST", "/spaces/shop-1", "GET, HEAD, OPTIONS"],
    ["HEAD", "/throws", "GET, OPTIONS"],
    ["QUERY", "/", "GET, HEAD, OPTIONS"],
  ])("[V1-1] %s %s is 405 with Allow: %s", async (method, path, allow) => {
    const answer = await ask(method, path, "Content-Length: 0\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer).toContain(`\r\nallow: ${allow}\r\n`);
  });

  test("OPTIONS says what a path answers to", async () => {
    const answer = await ask("OPTIONS", "/spaces/shop-1");
    expect(answer).toMatch(/^HTTP\/1\.1 204 /);
    expect(answer).toContain("\r\nallow: GET, HEAD, OPTIONS\r\n");
    expect(answer.toLowerCase()).not.toContain("access-control");
  });

  test("HEAD answers as GET does, without the body", async () => {
    const response = await get("/spaces/shop-1", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await response.text()).toBe("");
  });

  test.each(["/spaces/%zz", "/spaces/%ff", "/%c0%af"])("%s is 400: it is no text", async (path) => {
    const problem = problemIn(await ask("GET", path));
    expect(problem).toMatchObject({ code: "bad_request", detail: expect.stringContaining("path") });
  });

  test("a path of 10,000 characters is the route's to judge", async () => {
    const response = await get(`/spaces/${"a".repeat(10_000)}`);
    expect(response.status).toBe(200);
  });
});

describe("[V1-1] the final slash makes no difference", () => {
  test.each(["/spaces/shop-1", "/spaces/shop-1/", "/spaces/shop-1/?a=1"])("%s", async (path) => {
    expect(await (await get(path)).json()).toMatchObject({ params: { space: "shop-1" } });
  });
});

describe("a query", () => {
  test("whose parameter repeats is refused, by its name", async () => {
    const answer = await get("/spaces/shop-1?limit=1&cursor=a&limit=2");
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: "bad_request",
      errors: [{ path: "/limit", message: "limit must not stand more than once" }],
    });
  });

  test("may name a parameter as it likes", async () => {
    const answer = await get("/spaces/shop-1?__proto__=1&constructor=2&a[]=3&b%2Fc=4");
    expect(await answer.text()).toContain(
      '"query":{"__proto__":"1","constructor":"2","a[]":"3","b/c":"4"}',
    );
  });
});

describe("[LIMIT-8] a failure of the server", () => {
  test("is 500 with a request id and nothing of the inside; the log has the cause", async () => {
    const response = await get("/throws?cursor=hidden");
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ code: "internal", status: 500 });
    expect(text).not.toMatch(/secret|\.ts|at /);
    const id = response.headers.get("x-request-id");
    const line = server.log().find(({ reqId, level }) => reqId === id && level === 50);
    expect(line).toMatchObject({ err: { message: "the secret of the house" }, route: "/throws" });
  });

  test("in the middle of an answer cuts the connection, so that half is not taken for whole", async () => {
    await expect(get("/throws-late").then((response) => response.text())).rejects.toThrow(
      /^(?:terminated|fetch failed)$/,
    );
    expect((await get("/healthz")).status).toBe(200);
  });
});

describe("[OPEN-4] in open mode another host is refused, whatever the path", () => {
  test.each([
    ["another name", "Host: shop.example\r\n", "/healthz"],
    ["no host", "", "/healthz"],
    ["two hosts", "Host: localhost\r\nHost: localhost\r\n", "/healthz"],
    ["a path that does not exist", "Host: shop.example\r\n", "/nothing"],
    ["the documentation", "Host: shop.example\r\n", "/docs/static/swagger-ui.css"],
    ["a target in absolute form", "Host: localhost\r\n", "http://shop.example/healthz"],
  ])("%s", async (_, host, path) => {
    const answer = await server.raw(`GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    expect(problemIn(answer)).toMatchObject({ status: 403, code: "host_not_allowed" });
  });

  test("[OPEN-5] and so is what came through a proxy", async () => {
    const answer = await ask("GET", "/healthz", "X-Forwarded-For: 10.0.0.1\r\n");
    expect(problemIn(answer)).toMatchObject({ status: 403, code: "forwarded_refused" });
  });

  test("before its body is read", async () => {
    const answer = await server.raw(
      "POST /echo HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
    );
    expect(problemIn(answer).code).toBe("host_not_allowed");
  });
});

describe("[OPEN-6] CORS", () => {
  test("is silent where no origin was named", async () => {
    const preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
    for (const answer of [
      await ask("OPTIONS", "/echo", preflight),
      await ask("GET", "/healthz", preflight),
    ]) {
      expect(answer.toLowerCase()).not.toContain("access-control");
    }
  });

  describe("with an origin named", () => {
    let open: TestServer;
    beforeAll(async () => {
      open = await startTestServer({
        corsOrigins: ["https://app.example", "http://localhost:5173"],
      });
    });
    afterAll(() => open.server.stop());

    const from = (origin: string, path = "/healthz") =>
      fetch(`${open.url}${path}`, { headers: { origin } });

    test.each([
      "https://app.example.evil.example",
      "https://app.example:8443",
      "http://app.example",
      "https://APP.example",
      "null",
      "https://app.example,https://evil.example",
    ])("%s is another", async (origin) => {
      const response = await from(origin);
      expect(response.status).toBe(200);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(response.headers.get("vary")).toMatch(/origin/i);
    });

    test("it may read answers, errors included", async () => {
      for (const path of ["/healthz", "/nothing", "/throws"]) {
        const response = await from("https://app.example", path);
        expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
        await response.text();
      }
    });

    test("its preflights are answered", async () => {
      const answer = await open.raw(
        "OPTIONS /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:5173\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\nConnection: close\r\n\r\n",
      );
      expect(answer).toMatch(/^HTTP\/1\.1 204 /);
      expect(answer).toContain("\r\naccess-control-allow-origin: http://localhost:5173\r\n");
      expect(answer).toContain("\r\naccess-control-allow-methods: POST, OPTIONS\r\n");
      expect(answer).toContain(
        "\r\naccess-control-allow-headers: content-type, content-encoding, last-event-id, authorization\r\n",
      );
    });
  });
});

describe("for supervisors", () => {
  test("/healthz and /readyz", async () => {
    expect(await (await get("/healthz")).json()).toEqual({ status: "ok" });
    expect(await (await get("/readyz")).json()).toEqual({ status: "ready" });
  });

  test("/readyz gives the reasons why not", async () => {
    const reasons: string[] = [];
    const other = await startTestServer({ readiness: async () => reasons });
    reasons.push("the store is opening");
    const response = await fetch(`${other.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: "not_ready",
      reasons: ["the store is opening"],
    });
    expect((await fetch(`${other.url}/healthz`)).status).toBe(200);
    await other.server.stop();
  });

  test("/metrics tells of connections, and of bytes that they have not taken", async () => {
    const value = async (name: string): Promise<number> => {
      const text = await (await get("/metrics", { headers: { connection: "close" } })).text();
      return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
    };
    const before = await value("synchro_connections");
    expect(before).toBeGreaterThanOrEqual(1);
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    expect(await value("synchro_connections")).toBeGreaterThan(before);
    expect(await value("synchro_buffered_bytes")).toBe(0);
    socket.destroy();
  });

  test("/metrics counts requests by route, method and status, and tells no path", async () => {
    await (await get("/spaces/secret-shop?cursor=c1.secret")).text();
    await (await get("/secret-path")).text();
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toMatch(
      /synchro_http_request_duration_seconds_count\{method="GET",route="\/spaces\/:space",status="200"\} \d/,
    );
    expect(text).toMatch(/count\{method="GET",route="none",status="404"\} \d/);
    expect(text).not.toContain("secret");
  });
});

test("the log has a line a request at debug, without path, query, headers or body", async () => {
  await fetch(`${server.url}/spaces/hidden-shop?cursor=hidden-cursor`, {
    headers: { authorization: "Bearer hidden-token" },
  }).then((response) => response.text());
  await fetch(`${server.url}/echo?shop=hidden-shop`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"hidden":"body"}',
  }).then((response) => response.text());
  const lines = server.log();
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 20,
      msg: "request",
      method: "GET",
      route: "/spaces/:space",
      status: 200,
      durationMs: expect.any(Number),
      reqId: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
    }),
  );
  expect(JSON.stringify(lines)).not.toContain("hidden");
});
