import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    limits: { headersMs: 150, requestMs: 250, bodyBytesMax: 50_000, valueBytesMax: 10_000 },
  });
});

afterAll(() => server.server.stop());

const noise = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

const orNoise = (...usual: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 29, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: noise });

const header = fc
  .tuple(
    orNoise(
      "Host",
      "Content-Type",
      "Content-Encoding",
      "Content-Length",
      "Transfer-Encoding",
      "Expect",
      "Connection",
      "Upgrade",
      "Accept",
      "Accept-Version",
      "Origin",
      "Range",
      "If-None-Match",
      "Cookie",
      "Access-Control-Request-Method",
      "Last-Event-ID",
      "Authorization",
      "X-HTTP-Method-Override",
    ),
    orNoise(
      "localhost",
      "application/json",
      "text/plain",
      "gzip",
      "br",
      "2",
      "0",
      "-1",
      "99999999999999999999",
      "chunked",
      "chunked, gzip",
      "100-continue",
      "close",
      "keep-alive",
      "websocket",
      "*/*",
      "1.x",
      "bytes=9-1",
      "bytes=0-",
      "*",
      "https://app.example",
      "POST",
    ),
  )
  .map(([name, value]) => `${name}: ${value}\r\n`);

const request = fc
  .record({
    method: orNoise("GET", "POST", "PUT", "HEAD", "OPTIONS", "QUERY", "CONNECT", "TRACE", "PRI"),
    target: orNoise(
      "/echo",
      "/echo/",
      "/spaces/a?b=1&b=2",
      "/spaces/%00",
      "/docs/static/index.css",
      "/docs",
      "/docs/json",
      "/docs/yaml",
      "/",
      "*",
      "//",
      "/%",
      "/healthz?%zz=%",
      "http://localhost/echo",
      "localhost:7100",
      "/docs/static/%2e%2e/%2e%2e/package.json",
      "/docs/static/",
      "/openapi.json#a",
    ),
    version: orNoise("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0"),
    host: fc.constantFrom(
      "Host: localhost\r\n",
      "Host: localhost\r\n",
      "Host: evil.example\r\n",
      "",
    ),
    headers: fc.array(header, { maxLength: 5 }),
    body: orNoise("", "{}", '{"a":', "2\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n"),
  })
  .map(
    ({ method, target, version, host, headers, body }) =>
      `${method} ${target} ${version}\r\n${host}${headers.join("")}\r\n${body}`,
  );

test("[LIMIT-8] nothing that a client can send is a 5xx, and every error is a problem document", async () => {
  await fc.assert(
    fc.asyncProperty(request, async (text) => {
      const answer = await server.rawEnded(Buffer.from(text, "latin1"));
      const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) =>
        Number(match[1]),
      );
      for (const status of statuses) expect(status).toBeLessThan(500);
      const isError = (statuses[0] ?? 200) >= 400;
      expect(isError && !/content-type: application\/problem\+json/i.test(answer)).toBe(false);
      expect(answer).not.toMatch(/node:|\.ts:|node_modules|FST_/);
    }),
    { seed: 20_261_124, numRuns: 400 },
  );
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(server.log().filter(({ level }) => Number(level) >= 50)).toEqual([]);
}, 120_000);
