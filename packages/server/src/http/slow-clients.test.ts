import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

const HEADERS_MS = 300;
const REQUEST_MS = 600;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ limits: { headersMs: HEADERS_MS, requestMs: REQUEST_MS } });
});

afterAll(() => server.server.stop());

type Outcome = { readonly text: string; readonly afterMs: number };

/** Writes `head` at once and then `drip` byte by byte, every 20 ms, until the server closes. */
const dripTo = async (head: string, drip: string): Promise<Outcome> => {
  const startedAt = performance.now();
  const socket: Socket = connect(server.port, "127.0.0.1").on("error", () => {});
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(head);
  for (const letter of drip) {
    if (socket.destroyed || !socket.writable || text !== "") break;
    socket.write(letter);
    await sleep(20);
  }
  await closed;
  return { text, afterMs: performance.now() - startedAt };
};

const expectTimeout = ({ text, afterMs }: Outcome, timeoutMs: number): void => {
  expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(text).toContain("Content-Type: application/problem+json\r\n");
  expect(text).toContain('"code":"request_timeout"');
  expect(afterMs).toBeGreaterThan(timeoutMs * 0.9);
  expect(afterMs).toBeLessThan(timeoutMs + 500);
};

describe("[LIMIT-9] a client that takes too long is cut off on time", () => {
  test("with its headers", async () => {
    const head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    expectTimeout(await dripTo(head, "a".repeat(200)), HEADERS_MS);
  });

  test("with its body", async () => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n";
    expectTimeout(await dripTo(head, "[".repeat(200)), REQUEST_MS);
  });

  test("with a body that is refused anyway", async () => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9999\r\n\r\n";
    expectTimeout(await dripTo(head, "[".repeat(200)), REQUEST_MS);
  });

  test("with nothing at all", async () => {
    expectTimeout(await dripTo("", ""), HEADERS_MS);
  });

  test("and one that is in time is not", async () => {
    const head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
    const { text } = await dripTo(head, '{"a":"bcde"}');
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("[LIMIT-8] what is not HTTP is told so, as a problem document", () => {
  const problemIn = (answer: string) => {
    expect(answer).toContain("\r\nContent-Type: application/problem+json\r\n");
    const [, body = ""] = answer.split("\r\n\r\n", 2);
    expect(answer).toContain(`\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`);
    const { status, code } = JSON.parse(body) as { status: number; code: string };
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    return code;
  };

  test.each([
    ["garbage", "hello\r\n\r\n"],
    ["a method of nobody", "FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["another protocol", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"],
    [
      "a length that is none",
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
    [
      "two ways to say where the body ends",
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a header with a line break", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\n b\r\n\r\n"],
    [
      "a chunk of no size",
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
  ])("%s", async (_, bytes) => {
    expect(problemIn(await server.raw(bytes))).toBe("bad_request");
  });

  test("the greeting of TLS", async () => {
    const hello = Buffer.from("160301020001000001fc0303", "hex");
    expect(problemIn(await server.raw(hello))).toBe("bad_request");
  });

  test.each([
    ["a header", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(17_000)}\r\n\r\n`],
    ["many headers", `GET / HTTP/1.1\r\nHost: localhost\r\n${"X: a\r\n".repeat(5_000)}\r\n`],
    ["a path", `GET /${"a".repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
  ])("%s that is too long", async (_, bytes) => {
    expect(problemIn(await server.raw(bytes))).toBe("headers_too_large");
  });

  test("behind a request whose answer is under way nothing is said: it would be taken for that answer", async () => {
    const answer = await server.raw(
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nhello\r\n\r\n",
    );
    expect(answer).not.toContain("bad_request");
  });

  test("the server goes on", async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});
