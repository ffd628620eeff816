import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "./http-server.fixture.ts";

const MIB = 1024 * 1024;

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ limits: { bodyBytesMax: 4 * MIB } });
});

afterAll(() => server.server.stop());

type Body = NonNullable<RequestInit["body"]>;

const post = (body: Body, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${server.url}/echo`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });

const problem = async (response: Response) => {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const body = (await response.json()) as { status: number; code: string; detail: string };
  expect(body.status).toBe(response.status);
  return `${body.status} ${body.code}: ${body.detail}`;
};

describe("[LIMIT-7] a body that is not declared as JSON is 415", () => {
  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonp",
    "text/json",
    "text/plain; application/json",
    "application/+json",
    "nonsense",
  ])("%s", async (type) => {
    expect(await problem(await post("{}", { "content-type": type }))).toBe(
      "415 unsupported_media_type: Content-Type must be application/json (in UTF-8)",
    );
  });

  test("nothing at all, as a form of another site may send", async () => {
    const answer = await server.raw(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 415 /);
  });

  test.each([
    "application/json",
    "APPLICATION/JSON; charset=UTF-8",
    "application/vnd.shop.v1+json",
    'application/json;charset="utf-8"',
  ])("%s is JSON", async (type) => {
    expect((await post("{}", { "content-type": type })).status).toBe(200);
  });
});

describe("[LIMIT-7] a body that is not JSON is 400, with the place", () => {
  test.each<[string, string | Buffer, string]>([
    ["empty", "", "the body is empty: send a JSON object"],
    ["cut", '{"a": [1,', "the body is not JSON: it ends too early, at line 1, column 10"],
    [
      "wrong",
      '{\n  "a": 1,\n  b: 2\n}',
      'the body is not JSON: unexpected "b" at line 3, column 3',
    ],
    ["an emoji", "[😀]", 'the body is not JSON: unexpected "😀" at line 1, column 2'],
    ["two values", "{} {}", 'the body is not JSON: unexpected "{" at line 1, column 4'],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]), "the body is not UTF-8"],
    ["an overlong form", Buffer.from([0x22, 0xc0, 0xaf, 0x22]), "the body is not UTF-8"],
    ["a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), "the body is not UTF-8"],
    [
      "UTF-16",
      Buffer.from("{}", "utf16le"),
      'the body is not JSON: unexpected "\\u0000" at line 1, column 2',
    ],
  ])("%s", async (_, body, detail) => {
    expect(await problem(await post(body as Body))).toBe(`400 bad_json: ${detail}`);
  });

  test("and the connection can be used again: the body was read whole", async () => {
    const bad =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{";
    const good =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    const answers = await server.raw(bad + good);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400", "HTTP/1.1 200"]);
  });
});

describe("[LIMIT-2] a body that is too large is 413", () => {
  const value = (length: number): string => `"${"a".repeat(length - 2)}"`;

  test("at the limit it passes, one byte more does not", async () => {
    expect((await post(value(4 * MIB))).status).toBe(200);
    expect(await problem(await post(value(4 * MIB + 1)))).toBe(
      "413 body_too_large: the body has more than 4194304 bytes after decompression",
    );
  });

  test("in chunks, without a length", async () => {
    const stream = new ReadableStream({
      start: (controller) => {
        for (let part = 0; part < 5; part += 1) controller.enqueue(new Uint8Array(MIB).fill(0x20));
        controller.close();
      },
    });
    const init = { method: "POST", body: stream, duplex: "half" } as RequestInit;
    const response = await fetch(`${server.url}/echo`, {
      ...init,
      headers: { "content-type": "application/json" },
    });
    expect(await problem(response)).toMatch(/^413 body_too_large: /);
  });

  test("a client that sends all of it first, and reads then, gets the answer and no reset", async () => {
    const body = Buffer.alloc(4 * MIB + 1, " ");
    for (const length of [`Content-Length: ${body.length}`, "Transfer-Encoding: chunked"]) {
      const isChunked = length.startsWith("T");
      const socket = connect(server.port, "127.0.0.1").setEncoding("latin1").pause();
      socket.write(
        `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
      );
      if (isChunked) socket.write(`${body.length.toString(16)}\r\n`);
      const sent = Promise.withResolvers<void>();
      socket.on("error", sent.reject);
      socket.write(body, () => sent.resolve());
      await sent.promise;
      if (isChunked) socket.write("\r\n0\r\n\r\n");
      await sleep(100);
      socket.resume();
      const [answer] = (await once(socket, "data")) as [string];
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      socket.destroy();
    }
  });

  test("and one that would send for ever is answered and cut off", async () => {
    const head = `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    const inner = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const startedAt = performance.now();
    const answer = await server.raw(`${head}Content-Length: ${64 * MIB}\r\n\r\n${inner}`);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 413"]);
    expect(answer).toContain("\r\nconnection: close\r\n");
  });

  test("a client that asks first need not send it", async () => {
    const answer = await server.raw(
      `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${64 * MIB}\r\nExpect: 100-continue\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    const head =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    expect(
      await server.raw(`${head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n`, "{}"),
    ).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    expect(await server.raw(`${head}Content-Length: 2\r\nExpect: miracles\r\n\r\n{}`)).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });
});

describe("[LIMIT-2] decompression stops at the limit", () => {
  const json = JSON.stringify({ a: "b".repeat(1_000) });

  test.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
  ])("%s is undone", async (encoding, compress) => {
    const response = await post(compress(json), { "content-encoding": encoding });
    expect(await response.json()).toEqual({ json: JSON.parse(json), violations: [] });
  });

  test.each(["zstd", "compress", "gzip, gzip", "", "constructor"])(
    "%j is not",
    async (encoding) => {
      const answer = await server.raw(
        `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: ${encoding}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 415 /);
      expect(answer).toMatch(/\r\naccept-encoding: gzip, deflate, br\r\n/i);
      expect(answer).toContain('"code":"unsupported_encoding"');
    },
  );

  test.each([
    ["that is none", "gzip", Buffer.from(json)],
    ["that is cut", "gzip", gzipSync(json).subarray(0, 30)],
    ["that is damaged", "deflate", Buffer.from(deflateSync(json)).fill(0x55, 10, 14)],
    ["of another kind", "br", gzipSync(json)],
    ["that is empty", "gzip", Buffer.alloc(0)],
  ])("a compressed body %s is told", async (_, encoding, body) => {
    expect(await problem(await post(body as Body, { "content-encoding": encoding }))).toBe(
      "415 unsupported_encoding: the body is not compressed as Content-Encoding says",
    );
  });

  test.each([
    ["gzip", gzipSync(Buffer.alloc(128 * MIB), { level: 9 })],
    ["deflate", deflateSync(Buffer.alloc(128 * MIB), { level: 9 })],
    [
      "br",
      brotliCompressSync(Buffer.alloc(128 * MIB), {
        params: { [constants.BROTLI_PARAM_QUALITY]: 5 },
      }),
    ],
  ])("a bomb of 128 MiB in %s gets 413", async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(140_000);
    expect(await problem(await post(bomb as Body, { "content-encoding": encoding }))).toMatch(
      /^413 body_too_large: /,
    );
  });
});

describe("[LIMIT-3] a body that would be dear to parse is 413 before it is parsed", () => {
  const quickly = async (body: string): Promise<string> => {
    // Once before, so that what is measured is compiled.
    await post(body).then((response) => response.text());
    const startedAt = performance.now();
    const text = await problem(await post(body));
    expect(performance.now() - startedAt).toBeLessThan(150);
    return text;
  };

  test("1 MiB of [{},{},…", async () => {
    const body = `[${"{},".repeat(MIB / 3)}{}]`;
    expect(await quickly(body)).toBe(
      "413 too_complex: the body has more than 150000 values and names",
    );
  });

  test("a million brackets", async () => {
    expect(await quickly("[".repeat(1_000_000))).toBe(
      "413 too_complex: the body nests deeper than 128 levels",
    );
  });
});

describe("what a route gets", () => {
  test("[DATA-11] [DATA-14] the broken data rules beside the value, and no prototype is touched", async () => {
    const body =
      '{"changes":[{"__proto__":{"polluted":1}},{"a":1,"a":2},{"n":9007199254740993}],"a":1,"a":2}';
    const answer = (await (await post(body)).json()) as { readonly violations: unknown };
    expect(answer.violations).toEqual([
      { rule: "forbidden_member", path: "/changes/0/__proto__" },
      { rule: "duplicate_member", path: "/changes/1/a" },
      { rule: "number_precision", path: "/changes/2/n" },
      { rule: "duplicate_member", path: "/a" },
    ]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  test("[DATA-16] a broken rule beside the changes is seen, however many changes break one", async () => {
    const small = await startTestServer({ limits: { changesMax: 3 } });
    try {
      const response = await fetch(`${small.url}/echo`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: `{"changes":[${Array(3).fill('{"a":1,"a":2}').join(",")}],"b":1,"b":2}`,
      });
      const { violations } = (await response.json()) as { violations: { path: string }[] };
      expect(violations.map(({ path }) => path)).toContain("/b");
    } finally {
      await small.server.stop();
    }
  });

  test("by curl, as people try it first", async () => {
    const curl = spawn("curl", [
      "--silent",
      "--show-error",
      "--compressed",
      "--header",
      "Content-Type: application/json",
      "--data",
      '{"last_sync_date":"2021-10-10T10:40:10"}',
      `${server.url}/echo/`,
    ]);
    let out = "";
    curl.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
    const [code] = (await once(curl, "close")) as [number];
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      json: { last_sync_date: "2021-10-10T10:40:10" },
      violations: [],
    });
  });

  test("by curl, with a body that is too large", async () => {
    const curl = spawn("curl", [
      "--silent",
      "--show-error",
      "--write-out",
      "\n%{http_code}",
      "--header",
      "Content-Type: application/json",
      "--data-binary",
      "@-",
      `${server.url}/echo`,
    ]);
    let out = "";
    curl.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
    curl.stdin.on("error", () => {}).end(Buffer.alloc(12 * MIB, " "));
    const [code] = (await once(curl, "close")) as [number];
    expect(code).toBe(0);
    expect(out).toMatch(/body_too_large.*\n413$/);
  });
});
