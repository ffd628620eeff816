import { gunzipSync } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { createManualRuntime, type ManualRuntime } from "../../testing/manual-runtime.ts";
import { createHttpTransport, type HttpTransportOptions } from "./http-transport.ts";
import type { Fetch } from "./send-request.ts";
import type { GetToken, PullFrom, Transport } from "./transport.ts";

const from: PullFrom = {
  cursor: null,
  ack: null,
  collections: null,
  tombstones: false,
  limit: null,
};

const answer = { now: "2026-11-24T10:01:02Z", results: [], changes: [], cursor: "c1", more: false };
const pulled = { now: "2026-11-24T10:01:02Z", changes: [], cursor: "c1", more: false };

const json = (value: unknown, init: ResponseInit = {}): Response =>
  new Response(JSON.stringify(value), {
    ...init,
    headers: { "content-type": "application/json", ...(init.headers as object) },
  });

const problem = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify({ code, status, detail: `${code}, in words` }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });

type Setup = {
  readonly transport: Transport;
  readonly runtime: ManualRuntime;
  readonly calls: readonly { readonly url: string; readonly init: RequestInit }[];
};

const setUp = (
  respond: (call: number, init: RequestInit) => Response | Promise<Response>,
  options: Partial<HttpTransportOptions> = {},
): Setup => {
  const runtime = createManualRuntime();
  const calls: { url: string; init: RequestInit }[] = [];
  const fetch: Fetch = async (url, init) => {
    calls.push({ url, init });
    return respond(calls.length - 1, init);
  };
  const transport = createHttpTransport({
    url: "https://sync.example/base/",
    space: "malmo-1",
    getToken: async () => "t1",
    fetch,
    runtime,
    ...options,
  });
  return { transport, runtime, calls };
};

const live = (): AbortSignal => new AbortController().signal;
const never = <Result>(): Promise<Result> => new Promise(() => {});
const headersOf = (init: RequestInit | undefined): { readonly [name: string]: string } =>
  init?.headers as { readonly [name: string]: string };

describe("a token that is refused", () => {
  const unauthorized = (): Response => problem(401, "unauthorized");

  test("is renewed once, and the same request sent again", async () => {
    const getToken = vi.fn<GetToken>(async ({ renew }) => (renew ? "t2" : "t1"));
    const { transport, calls } = setUp((call) => (call === 0 ? unauthorized() : json(answer)), {
      getToken,
    });
    expect(await transport.sync('{"changes":[]}', live())).toEqual({ kind: "answered", answer });
    expect(getToken.mock.calls).toEqual([[{ renew: false }], [{ renew: true }]]);
    expect(calls.map(({ init }) => headersOf(init)["authorization"])).toEqual([
      "Bearer t1",
      "Bearer t2",
    ]);
    expect(calls.map(({ init }) => init.body)).toEqual(['{"changes":[]}', '{"changes":[]}']);
  });

  test("twice is the answer", async () => {
    const { transport, calls } = setUp(unauthorized);
    expect(await transport.sync("{}", live())).toEqual({ kind: "unauthorized" });
    expect(await transport.follow(from, async () => "go on", live())).toEqual({
      kind: "unauthorized",
    });
    expect(calls).toHaveLength(4);
  });

  test("and no new one to be had: nothing is sent again", async () => {
    const getToken: GetToken = async ({ renew }) => (renew ? null : "t1");
    const { transport, calls } = setUp(unauthorized, { getToken });
    expect(await transport.pull(from, null, live())).toEqual({ kind: "unauthorized" });
    expect(calls).toHaveLength(1);
  });

  test("by two requests at a time is renewed once", async () => {
    let renewals = 0;
    const getToken: GetToken = async ({ renew }) => {
      if (!renew) return "t1";
      renewals += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return "t2";
    };
    const { transport } = setUp(
      (_, init) =>
        headersOf(init)["authorization"] === "Bearer t1" ? unauthorized() : json(pulled),
      { getToken },
    );
    const replies = await Promise.all([1, 2, 3].map(() => transport.pull(from, null, live())));
    expect(replies.map(({ kind }) => kind)).toEqual(["answered", "answered", "answered"]);
    expect(renewals).toBe(1);
    expect((await transport.pull(from, null, live())).kind).toBe("answered");
    expect(renewals).toBe(2);
  });

  test("where a renewal never ends, the next request makes a new one", async () => {
    let renewals = 0;
    const getToken: GetToken = async ({ renew }) => {
      if (!renew) return "t1";
      renewals += 1;
      return renewals === 1 ? never() : "t2";
    };
    const { transport, runtime } = setUp(
      (_, init) =>
        headersOf(init)["authorization"] === "Bearer t1" ? unauthorized() : json(pulled),
      { getToken },
    );
    const first = transport.pull(from, null, live());
    await runtime.advance(30_000);
    expect(await first).toMatchObject({ kind: "unreachable" });
    expect((await transport.pull(from, null, live())).kind).toBe("answered");
    expect(runtime.timerCount()).toBe(0);
  });
});

describe("the token", () => {
  const secret = "s3cr3t-t0ken";

  test.each([`${secret}\nx-evil: 1`, `${secret} `, `${secret}é`, ""])(
    "%j can't be sent, and counts as refused",
    async (token) => {
      const { transport, calls } = setUp(() => json(pulled), { getToken: async () => token });
      expect(await transport.pull(from, null, live())).toEqual({ kind: "unauthorized" });
      expect(calls).toHaveLength(0);
    },
  );

  test("none is an open server's: no header is sent", async () => {
    const { transport, calls } = setUp(() => json(pulled), { getToken: async () => null });
    expect((await transport.pull(from, null, live())).kind).toBe("answered");
    expect(headersOf(calls[0]?.init)).not.toHaveProperty("authorization");
  });

  test("stands in no address and in no reason, whatever the platform says of it", async () => {
    const faults: readonly (() => Response | Promise<Response>)[] = [
      () => Promise.reject(new TypeError(`invalid header value "Bearer ${secret}"`)),
      () =>
        Promise.reject(
          Object.assign(new TypeError(secret), { cause: { code: `E_${secret}`, message: secret } }),
        ),
      () => json({ token: secret }),
      () => problem(500, "internal"),
    ];
    for (const fault of faults) {
      const { transport, calls } = setUp(fault, { getToken: async () => secret });
      const reply = await transport.pull({ ...from, cursor: "c" }, null, live());
      expect(reply.kind).toBe("unreachable");
      expect(JSON.stringify(reply)).not.toContain(secret);
      expect(calls[0]?.url).not.toContain(secret);
    }
  });

  test("that the app fails to give leaves the server unreached, and its error unsaid", async () => {
    const getToken: GetToken = () => Promise.reject(new Error(secret));
    const { transport, calls } = setUp(() => json(pulled), { getToken });
    const reply = await transport.pull(from, null, live());
    expect(reply).toEqual({ kind: "unreachable", reason: "the app could not get a token" });
    expect(calls).toHaveLength(0);
  });
});

describe("an answer that is no 200", () => {
  const html = (status: number, headers: Record<string, string> = {}): Response =>
    new Response("<h1>no</h1>", { status, headers: { "content-type": "text/html", ...headers } });

  const table: readonly (readonly [string, () => Response, object])[] = [
    ["403", () => problem(403, "forbidden"), { kind: "forbidden" }],
    [
      "403 of another code",
      () => problem(403, "host_not_allowed"),
      {
        kind: "refused",
        status: 403,
        code: "host_not_allowed",
        detail: "host_not_allowed, in words",
      },
    ],
    ["403 of a proxy", () => html(403), { kind: "unreachable" }],
    ["404", () => problem(404, "not_found"), { kind: "hidden" }],
    ["404 of a proxy", () => html(404), { kind: "unreachable" }],
    ["401 of a proxy", () => html(401), { kind: "unauthorized" }],
    ["413", () => problem(413, "body_too_large"), { kind: "too_large" }],
    ["413 of a proxy", () => html(413), { kind: "too_large" }],
    ["400", () => problem(400, "bad_request"), { kind: "refused", code: "bad_request" }],
    ["400 of a proxy", () => html(400), { kind: "unreachable" }],
    ["a 4xx of a code to come", () => problem(422, "new"), { kind: "refused", code: "new" }],
    ["408", () => problem(408, "request_timeout"), { kind: "unreachable" }],
    ["429", () => problem(429, "rate_limited"), { kind: "busy", code: "rate_limited" }],
    [
      "503 with seconds",
      () => problem(503, "unavailable", { "retry-after": "7" }),
      { kind: "busy", code: "unavailable", retryAfterMs: 7_000 },
    ],
    [
      "503 with a date, which is not read",
      () => problem(503, "unavailable", { "retry-after": "Mon, 02 Jan 2034 03:04:35 GMT" }),
      { kind: "busy", retryAfterMs: null },
    ],
    ["503 of a proxy", () => html(503), { kind: "busy", code: "http_503", retryAfterMs: null }],
    ["507", () => problem(507, "storage_full"), { kind: "busy", code: "storage_full" }],
    ["500", () => problem(500, "internal"), { kind: "unreachable", reason: "internal (500)" }],
    ["502 of a proxy", () => html(502), { kind: "unreachable" }],
    ["204", () => new Response(null, { status: 204 }), { kind: "unreachable" }],
    [
      "a redirect",
      () => html(307, { location: "https://evil.example/" }),
      { kind: "unreachable", reason: "sent on to another address" },
    ],
    [
      "a problem document that is cut",
      () =>
        new Response(`{"code":"forbid`, {
          status: 403,
          headers: { "content-type": "application/problem+json" },
        }),
      { kind: "unreachable" },
    ],
  ];

  test.each(table)("%s", async (_, respond, expected) => {
    const { transport } = setUp(respond);
    expect(await transport.sync("{}", live())).toMatchObject(expected);
    expect(await transport.follow(from, async () => "go on", live())).toMatchObject(expected);
  });

  test("a detail is cut to what can be shown", async () => {
    const long = { code: "bad_request", detail: "x".repeat(10_000) };
    const { transport } = setUp(() =>
      json(long, { status: 400, headers: { "content-type": "application/problem+json" } }),
    );
    const reply = await transport.sync("{}", live());
    expect(reply.kind === "refused" && reply.detail.length).toBe(500);
  });

  test("no request follows a redirect or takes cookies along", async () => {
    const { transport, calls } = setUp(() => html(302, { location: "/elsewhere" }));
    await transport.sync("{}", live());
    expect(calls).toHaveLength(1);
    expect(calls[0]?.init).toMatchObject({ redirect: "manual", credentials: "omit" });
  });
});

describe("an answer that lacks what it must have", () => {
  const changes = (record: object): object => ({ ...answer, changes: [record] });
  const record = { collection: "readings", key: "a", seq: 1, updated_at: "2026-01-01T00:00:00Z" };
  test.each([
    { ...answer, now: undefined },
    { ...answer, results: undefined },
    { ...answer, changes: undefined },
    { ...answer, more: undefined },
    { ...answer, cursor: undefined },
    { ...answer, cursor: "" },
    { ...answer, more: "false" },
    { ...answer, reset: "start over" },
    { ...answer, ack: 3 },
    { ...answer, digest: { at: 1 } },
    { ...answer, digest: { at: 1, collections: { readings: { count: 1 } } } },
    { ...answer, results: [{}] },
    { ...answer, results: [{ seq: -1 }] },
    { ...answer, results: [{ rejected: { code: "x", message: "y" } }] },
    { ...answer, results: [{ rejected: { code: "x", message: "y", path: "", stored: 1 } }] },
    { ...answer, results: [null] },
    changes(record),
    changes({ ...record, value: [] }),
    changes({ ...record, deleted: true, seq: 1.5 }),
    changes({ ...record, deleted: true, key: undefined }),
  ])("%j is none", async (value) => {
    const { transport } = setUp(() => json(value));
    expect(await transport.sync("{}", live())).toEqual({
      kind: "unreachable",
      reason: "not an answer of Synchro",
    });
  });

  test("members that are not known survive and mean nothing", async () => {
    const newer = {
      ...answer,
      hint: { of: "tomorrow" },
      results: [{ seq: 1, note: 1 }],
      changes: [
        { ...record, value: { é: null }, flags: 1 },
        { ...record, deleted: true, author: "anna" },
      ],
    };
    const { transport } = setUp(() => json(newer));
    expect(await transport.sync("{}", live())).toEqual({ kind: "answered", answer: newer });
  });
});

describe("a request", () => {
  test("names space, position and wishes in its address", async () => {
    const { transport, calls } = setUp(() => json(pulled));
    await transport.pull(from, null, live());
    const all = {
      cursor: "c1.a+b&c",
      ack: "a1",
      collections: ["a", "b"],
      tombstones: true,
      limit: 5,
    };
    await transport.pull(all, 30, live());
    const base = "https://sync.example/base/v2/spaces/malmo-1/changes";
    expect(calls.map(({ url }) => url)).toEqual([
      base,
      `${base}?cursor=c1.a%2Bb%26c&ack=a1&collections=a%2Cb&limit=5&tombstones=true&wait=30`,
    ]);
  });

  test("with a long body is compressed, and the bytes are the same", async () => {
    const { transport, calls } = setUp(() => json(answer));
    const short = JSON.stringify({ pad: "é".repeat(8_182) });
    const long = JSON.stringify({ pad: "é".repeat(8_183) });
    await transport.sync(short, live());
    await transport.sync(long, live());
    expect([short.length, long.length]).toEqual([8_192, 8_193]);
    expect(calls[0]?.init.body).toBe(short);
    expect(headersOf(calls[0]?.init)).not.toHaveProperty("content-encoding");
    expect(headersOf(calls[1]?.init)).toMatchObject({
      "content-encoding": "gzip",
      "content-type": "application/json",
    });
    expect(gunzipSync(calls[1]?.init.body as Uint8Array).toString()).toBe(long);
  });

  test("goes uncompressed where the platform can't", async () => {
    vi.stubGlobal("CompressionStream", undefined);
    const { transport, calls } = setUp(() => json(answer));
    const long = JSON.stringify({ pad: "x".repeat(10_000) });
    await transport.sync(long, live());
    vi.unstubAllGlobals();
    expect(calls[0]?.init.body).toBe(long);
  });

  test.each(["ftp://x", "https://user:pw@x", "https://x/?a=1", "https://x/#a", "x", "//x", ""])(
    "to %j is a mistake of the app",
    (url) => {
      expect(() => setUp(() => json(answer), { url })).toThrow("url must be");
    },
  );

  test("may go to a path of the page's own origin", async () => {
    const { transport, calls } = setUp(() => json(pulled), { url: "/" });
    await transport.pull(from, null, live());
    expect(calls[0]?.url).toBe("/v2/spaces/malmo-1/changes");
  });
});

describe("time", () => {
  test("a platform that minds no signal is not waited for, and its late answer let go", async () => {
    const late = Promise.withResolvers<Response>();
    const { transport, runtime, calls } = setUp(() => late.promise);
    const reply = transport.sync("{}", live());
    await runtime.advance(59_999);
    await runtime.advance(1);
    expect(await reply).toEqual({ kind: "unreachable", reason: "no answer in time" });
    expect(calls[0]?.init.signal?.aborted).toBe(true);
    const response = json(answer);
    const cancel = vi.spyOn(response.body as ReadableStream, "cancel");
    late.resolve(response);
    await runtime.advance(0);
    expect(cancel).toHaveBeenCalledOnce();
    expect(runtime.timerCount()).toBe(0);
  });

  test("a long poll has its wait on top", async () => {
    const { transport, runtime } = setUp(() => never());
    let isOver = false;
    const reply = transport.pull(from, 30, live()).then((got) => {
      isOver = true;
      return got;
    });
    await runtime.advance(89_000);
    expect(isOver).toBe(false);
    await runtime.advance(1_000);
    expect(await reply).toMatchObject({ kind: "unreachable" });
  });

  test("the signal ends whatever is waited for, at once", async () => {
    const waits: readonly Partial<HttpTransportOptions>[] = [
      { getToken: () => never() },
      { fetch: () => never() },
      {
        fetch: async () =>
          new Response(new ReadableStream(), { headers: { "content-type": "application/json" } }),
      },
    ];
    for (const options of waits) {
      const { transport, runtime } = setUp(() => json(pulled), options);
      const stop = new AbortController();
      const reply = transport.pull(from, null, stop.signal);
      await runtime.advance(10);
      stop.abort();
      expect(await reply).toEqual({ kind: "unreachable", reason: "stopped by the caller" });
      expect(runtime.timerCount()).toBe(0);
    }
  });

  test("for a signal that was aborted before neither app nor server is asked", async () => {
    const getToken = vi.fn<GetToken>(async () => "t1");
    const { transport, calls } = setUp(() => json(pulled), { getToken });
    await transport.pull(from, null, AbortSignal.abort());
    expect([getToken.mock.calls, calls]).toEqual([[], []]);
  });

  test("a page that came before the stop is not handed over after it", async () => {
    const stop = new AbortController();
    const page = `${JSON.stringify({ cursor: "c1" })}\n`;
    const { transport } = setUp(
      () => new Response(page.repeat(3), { headers: { "content-type": "application/x-ndjson" } }),
    );
    let pages = 0;
    const end = await transport.readPages(
      from,
      async () => {
        pages += 1;
        stop.abort();
        return "go on";
      },
      stop.signal,
    );
    expect(end).toEqual({ kind: "stopped" });
    expect(pages).toBe(1);
  });

  test("a stream that says nothing for 75 s is dead; a comment is a sign of life", async () => {
    let controller: ReadableStreamDefaultController | null = null;
    const body = new ReadableStream({ start: (of) => void (controller = of) });
    const { transport, runtime } = setUp(
      () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    );
    let isOver = false;
    const end = transport.follow(from, async () => "go on", live()).finally(() => (isOver = true));
    const say = (text: string): void =>
      (controller as unknown as ReadableStreamDefaultController).enqueue(Buffer.from(text));
    await runtime.advance(74_000);
    say(": alive\n\n");
    await runtime.advance(74_000);
    expect(isOver).toBe(false);
    await runtime.advance(1_000);
    expect(await end).toEqual({ kind: "unreachable", reason: "the connection fell silent" });
  });
});
