import { createHash } from "node:crypto";
import type { SpaceId, Stamp } from "@synchro/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectLive, helloLive, type LiveClient } from "../../testing/live-client.ts";
import { exchangeRaw, type RawAnswer, type RawRequest } from "../../testing/raw-exchange.ts";
import { startTokenServer, type TokenServer } from "../../testing/start-token-server.ts";
import { reading } from "../../testing/v2-requests.ts";
import type { DeviceId } from "../control/control-store.ts";
import type { Level } from "./grants.ts";

const NOW = "2026-11-24T10:00:00Z";
const at = "2026-11-24T10:00:00.000000Z" as Stamp;

/** In everything that is tenant B's. */
const CANARY = "kanarie";
const spaceA = "acme" as SpaceId;
const spaceB = `${CANARY}-shop` as SpaceId;
const missing = "never-was" as SpaceId;
const gone = "gone" as SpaceId;
const deviceB = `d_${createHash("sha256").update("b").digest("hex").slice(0, 20)}` as DeviceId;
const secretB = Buffer.from(`${CANARY}-secret-of-a-device-of-b-!`.padEnd(32, "!")).toString(
  "base64url",
);

let server: TokenServer;
let tokens: { readonly [level in Level]: string };
let tokenB: string;
let operator: string;
/** Holds a space that was deleted. */
let widow: string;
let cursorB: string;
let ackB: string;

const json = { "content-type": "application/json" };
const as = (token: string | null): { readonly [name: string]: string } =>
  token === null ? {} : { authorization: `Bearer ${token}` };

const ask = (token: string | null, of: RawRequest): Promise<RawAnswer> =>
  exchangeRaw(server.url, { ...of, headers: { ...of.headers, ...as(token) } });

const post = (path: string, body: unknown): RawRequest => ({
  method: "POST",
  path,
  headers: json,
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const get = (path: string, headers: { readonly [name: string]: string } = {}): RawRequest => ({
  method: "GET",
  path,
  headers,
});

/** Tenant B lives: records, a lost edit, a refused one, history, devices, an invitation, a title. */
const fillB = async (): Promise<void> => {
  const by = { actor: `cli:${CANARY}@${CANARY}`, now: at };
  const { control } = server;
  await control.createSpace({ id: spaceB, title: `${CANARY} AB`, recordsMax: null }, by);
  await control.createInvitation(
    {
      codeHash: "aa".repeat(32),
      grants: new Map([[spaceB, "write"]]),
      label: `${CANARY} handhelds`,
      createdAt: at,
      expiresAt: "2026-11-25T10:00:00.000000Z" as Stamp,
      usesLeft: 1,
    },
    by,
  );
  const secretHash = createHash("sha256").update(secretB).digest("hex");
  const shown = { codeHash: "aa".repeat(32), secretHash, name: `${CANARY} scanner` };
  await control.admit(shown, deviceB, at);
  const value = { expiration_date: "2026-12-01", note: CANARY };
  const send = async (body: object): Promise<string> => {
    const sent = await ask(tokenB, post(`/v2/spaces/${spaceB}/sync`, body));
    expect(sent.status).toBe(200);
    return sent.body;
  };
  const author = `${CANARY} ann`;
  const clientId = `${CANARY}-client`;
  await send({
    client_id: clientId,
    changes: [
      reading(`${CANARY}-1`, NOW, { value, author }),
      reading(`${CANARY}-2`, "nonsense", { value }),
    ],
  });
  const older = { value: { ...value, note: `${CANARY} lost` }, author };
  const last = await send({
    client_id: clientId,
    changes: [reading(`${CANARY}-1`, "2026-11-24T09:00:00Z", older)],
  });
  ({ cursor: cursorB, ack: ackB } = JSON.parse(last) as { cursor: string; ack: string });
};

beforeAll(async () => {
  server = await startTokenServer();
  const { token } = server.access;
  tokens = {
    read: await token({ [spaceA]: "read" }, { subject: "alice" }),
    write: await token({ [spaceA]: "write" }, { subject: "alice" }),
    admin: await token({ [spaceA]: "admin" }, { subject: "alice" }),
  };
  tokenB = await token({ [spaceB]: "admin" }, { subject: `${CANARY} bo` });
  widow = await token({ [spaceA]: "admin", [gone]: "admin" }, { subject: "alice" });
  await server.control.deleteSpace(gone, { actor: "operator", now: at });
  await server.time.advance(2_000);
  operator = await token({ "*": "admin" }, { subject: "operator" });
  await ask(
    tokens.write,
    post(`/v2/spaces/${spaceA}/sync`, { changes: [reading("own", NOW)], pull: false }),
  );
  await fillB();
});
afterAll(() => server.stop());

const isEvent = (text: string): boolean => text.includes("\n\n");

const stream = (path: string, headers: { readonly [name: string]: string } = {}): RawRequest => ({
  ...get(path, { accept: "text/event-stream", ...headers }),
  isEnough: isEvent,
});
const lines = (path: string): RawRequest => get(path, { accept: "application/x-ndjson" });

/** What a tenant may try at a space: its own, one of others, one that is not there. */
type Attempts = (space: SpaceId) => readonly RawRequest[];

const attemptsAt: { readonly [route: string]: Attempts } = {
  "POST /v1/sync/": (space) => [
    post(`/v1/sync/?shop=${space}`, { last_sync_date: "1970-01-01" }),
    post(`/v1/sync/?shop=${space}`, { cursor: "" }),
    post(`/v1/sync/?shop=${space}`, { cursor: cursorB }),
    post(`/v1/sync/?shop=${space}`, {
      last_sync_date: "1970-01-01",
      newly_created_records: [{ gtin: "a-1", updated_at: NOW, expiration_date: "2026-12-01" }],
    }),
    post(`/v1/sync/?shop=${space}`, "{"),
  ],
  "GET /v1/readings/": (space) => [get(`/v1/readings/?shop=${space}`)],
  "GET /v1/readings/stream": (space) => [
    stream(`/v1/readings/stream?shop=${space}`),
    stream(`/v1/readings/stream?shop=${space}`, { "last-event-id": cursorB }),
  ],
  "POST /v2/spaces/:space/sync": (space) => [
    post(`/v2/spaces/${space}/sync`, {}),
    post(`/v2/spaces/${space}/sync`, { cursor: cursorB, ack: ackB }),
    post(`/v2/spaces/${space}/sync`, { changes: [reading("a-2", NOW)] }),
    post(`/v2/spaces/${space}/sync`, { changes: [reading(`own`, "nonsense")] }),
    post(`/v2/spaces/${space}/sync`, { changes: 7 }),
    post(`/v2/spaces/${space}/sync`, "[".repeat(200)),
  ],
  "GET /v2/spaces/:space/changes": (space) => [
    get(`/v2/spaces/${space}/changes`),
    get(`/v2/spaces/${space}/changes?cursor=${cursorB}&ack=${ackB}`),
    get(`/v2/spaces/${space}/changes?limit=0`),
    get(`/v2/spaces/${space}/changes?wait=1&tombstones=true`),
    lines(`/v2/spaces/${space}/changes`),
    lines(`/v2/spaces/${space}/changes?cursor=${cursorB}`),
    stream(`/v2/spaces/${space}/changes`),
    stream(`/v2/spaces/${space}/changes`, { "last-event-id": cursorB }),
  ],
  "GET /v2/spaces/:space/evidence": (space) => [
    get(`/v2/spaces/${space}/evidence?collection=readings`),
    get(`/v2/spaces/${space}/evidence?collection=nothing`),
  ],
  "GET /v2/spaces/:space/rejections": (space) => [get(`/v2/spaces/${space}/rejections`)],
  "GET /v2/spaces/:space/history": (space) => [
    get(`/v2/spaces/${space}/history?collection=readings&key=own`),
  ],
  "PATCH /v2/spaces/:space": (space) => [
    { ...post(`/v2/spaces/${space}`, { title: "Acme" }), method: "PATCH" },
  ],
  "DELETE /v2/spaces/:space": (space) =>
    // Its own would be gone for the attempts that follow.
    space === spaceA ? [] : [{ method: "DELETE", path: `/v2/spaces/${space}` }],
  "POST /v2/spaces/:space/invitations": (space) => [
    post(`/v2/spaces/${space}/invitations`, { level: "write" }),
  ],
  "GET /v2/spaces/:space/devices": (space) => [get(`/v2/spaces/${space}/devices`)],
  "GET /v2/spaces/:space/status": (space) => [get(`/v2/spaces/${space}/status`)],
  "POST /v2/spaces/:space/purge": (space) => [
    post(`/v2/spaces/${space}/purge`, { older_than_s: 1 }),
    post(`/v2/spaces/${space}/purge`, { older_than_s: 0 }),
  ],
  "POST /v2/spaces/:space/epochs": (space) => [post(`/v2/spaces/${space}/epochs`, {})],
  "GET /v2/audit": (space) => [get(`/v2/audit?space=${space}`)],
};

/** Routes that name no space. */
const elsewhere: { readonly [route: string]: readonly RawRequest[] } = {
  "GET /": [get("/"), get("/", { accept: "application/json" })],
  "HEAD /": [{ method: "HEAD", path: "/" }],
  "GET /healthz": [get("/healthz")],
  "HEAD /healthz": [{ method: "HEAD", path: "/healthz" }],
  "GET /readyz": [get("/readyz")],
  "HEAD /readyz": [{ method: "HEAD", path: "/readyz" }],
  "GET /metrics": [get("/metrics")],
  "HEAD /metrics": [{ method: "HEAD", path: "/metrics" }],
  // Who has no WebSocket; who has one is below.
  "GET /v2/live": [get("/v2/live"), get(`/v2/live?space=${spaceB}`)],
  "GET /v2/spaces": [get("/v2/spaces"), get("/v2/spaces?limit=1"), get("/v2/spaces?after=a")],
  "POST /v2/spaces": [post("/v2/spaces", { id: "made-by-a" }), post("/v2/spaces", { id: spaceB })],
  "POST /v2/devices": [
    post("/v2/devices", { code: "7KQ4-M2XD-9RTA", secret: "A".repeat(43), name: "scanner" }),
    post("/v2/devices", { code: "?", secret: "A".repeat(43), name: "scanner" }),
  ],
  "POST /v2/devices/:device/token": [
    post(`/v2/devices/${deviceB}/token`, {}),
    post(`/v2/devices/d_00000000000000000000/token`, {}),
  ],
  "DELETE /v2/devices/:device": [
    { method: "DELETE", path: `/v2/devices/${deviceB}` },
    { method: "DELETE", path: "/v2/devices/d_00000000000000000000" },
  ],
  "POST /v2/revocations": [
    post("/v2/revocations", { token_id: "t_1", expires_at: "2027-01-01T00:00:00Z" }),
  ],
  "GET /docs": [get("/docs")],
  "GET /docs/static/index.html": [get("/docs/static/index.html")],
  "GET /docs/static/swagger-initializer.js": [get("/docs/static/swagger-initializer.js")],
  "GET /docs/json": [get("/docs/json")],
  "GET /docs/yaml": [get("/docs/yaml")],
  "HEAD /docs/static/*": [{ method: "HEAD", path: "/docs/static/swagger-ui.css" }],
  "GET /docs/static/*": [get("/docs/static/swagger-ui.css"), get("/docs/static/nothing")],
  "GET /openapi.json": [get("/openapi.json")],
  "HEAD /openapi.json": [{ method: "HEAD", path: "/openapi.json" }],
};

const expectClean = ({ bytes }: RawAnswer, of: RawRequest): void => {
  const found = bytes.toLowerCase().indexOf(CANARY);
  const shown = found === -1 ? "" : bytes.slice(Math.max(0, found - 60), found + 60);
  expect(`${of.method} ${of.path}: ${shown}`).toBe(`${of.method} ${of.path}: `);
  expect(bytes).not.toContain(deviceB);
};

const stateOfB = async (): Promise<string> => {
  const [records, spaces, devices] = await Promise.all([
    ask(tokenB, get(`/v2/spaces/${spaceB}/changes`)),
    server.control.listSpaces(),
    server.control.listDevices(spaceB),
  ]);
  const { changes } = JSON.parse(records.body) as { readonly changes: unknown };
  return JSON.stringify([changes, spaces.filter(({ id }) => id === spaceB), devices]);
};

test("every route of the running server stands in this file's tables", () => {
  const routes = server.routes.map(({ method, pattern }) => `${method} ${pattern}`);
  const covered = [...Object.keys(attemptsAt), ...Object.keys(elsewhere)];
  expect(covered.toSorted()).toEqual([...new Set(routes)].toSorted());
});

describe("[TOKEN-11] no byte of tenant B reaches tenant A", () => {
  describe.each(Object.keys(attemptsAt))("%s", (route) => {
    test.each(["read", "write", "admin"] as const)("with %s in its own space", async (level) => {
      const before = await stateOfB();
      for (const space of [spaceB, missing, spaceA]) {
        for (const request of attemptsAt[route]?.(space) ?? []) {
          const asking = ask(tokens[level], request);
          await server.time.settle();
          if (request.path.includes("wait=1")) {
            for (let n = 0; n < 20; n += 1) await server.time.advance(100);
          }
          expectClean(await asking, { ...request, path: request.path.replaceAll(spaceB, "B") });
        }
      }
      expect(await stateOfB()).toBe(before);
    });

    test("[OPEN-7] a space of others and one that was deleted answer as one that never was, to the byte", async () => {
      const foreign = attemptsAt[route]?.(spaceB) ?? [];
      const deleted = attemptsAt[route]?.(gone) ?? [];
      const absent = attemptsAt[route]?.(missing) ?? [];
      for (const [index, request] of absent.entries()) {
        const { timeless, status } = await ask(tokens.admin, request);
        expect([400, 404, 413]).toContain(status);
        expect((await ask(tokens.admin, foreign[index] ?? get("/"))).timeless).toBe(timeless);
        expect((await ask(widow, deleted[index] ?? get("/"))).timeless).toBe(timeless);
      }
    });

    test("without a token, with one that is false or expired, nobody gets further", async () => {
      const expired = await server.access.token({ [spaceB]: "admin" }, { expiresInS: 0 });
      for (const token of [null, `${tokenB}x`, "x", expired]) {
        for (const request of attemptsAt[route]?.(spaceB) ?? []) {
          const answer = await ask(token, request);
          expect(answer.status).toBe(401);
          expectClean(answer, { ...request, path: request.path.replaceAll(spaceB, "B") });
        }
      }
    });
  });

  test.each(Object.keys(elsewhere))("%s", async (route) => {
    const before = await stateOfB();
    for (const token of [tokens.admin, tokens.read, null, "x"]) {
      for (const request of elsewhere[route] ?? []) {
        const named = request.path.replaceAll(deviceB, "DEVICE");
        const answer = await ask(token, request);
        expectClean(answer, { ...request, path: named });
      }
    }
    expect(await stateOfB()).toBe(before);
  });

  test("metrics are the operator's, and name nobody either", async () => {
    expect((await ask(null, get("/metrics"))).status).toBe(401);
    expect((await ask(tokens.admin, get("/metrics"))).status).toBe(403);
    const metrics = await ask(operator, get("/metrics"));
    expect(metrics.status).toBe(200);
    expectClean(metrics, get("/metrics"));
  });

  test("what B does while A listens wakes no stream of A's", async () => {
    const paths = [`/v2/spaces/${spaceA}/changes`, "/v1/readings/stream"];
    const heard = paths.map((path) =>
      ask(tokens.read, { ...stream(path), isEnough: (text) => text.includes("for-all") }),
    );
    await server.time.settle();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const changes = [reading(`${CANARY}-3`, NOW)];
    await ask(tokenB, post(`/v2/spaces/${spaceB}/sync`, { changes, pull: false }));
    await server.time.advance(6_000);
    const own = [reading("for-all", NOW)];
    await ask(tokens.write, post(`/v2/spaces/${spaceA}/sync`, { changes: own, pull: false }));
    for (const answer of await Promise.all(heard)) {
      expect(answer.body).toContain("for-all");
      expectClean(answer, get("a stream"));
    }
  });

  test("a token in the address is no token", async () => {
    for (const name of ["token", "access_token", "authorization"]) {
      const answer = await ask(null, get(`/v1/readings/?${name}=${tokenB}`));
      expect(answer.status).toBe(401);
    }
  });
});

/** What a tenant may try at a space over a WebSocket. */
const framesAt = (space: SpaceId): readonly object[] => [
  { type: "subscribe", id: "1", space },
  { type: "subscribe", id: "1", space, cursor: cursorB, ack: ackB },
  { type: "subscribe", id: "1", space, cursor: "nonsense", tombstones: true, limit: 1 },
  { type: "subscribe", id: "1", space, collections: ["nothing"] },
  { type: "push", id: "1", space },
  { type: "push", id: "1", space, ack: ackB, changes: [reading("a-3", NOW)] },
  { type: "push", id: "1", space, changes: [reading("a-3", "nonsense")] },
  { type: "push", id: "1", space, changes: 7 },
  { type: "unsubscribe", space },
  { type: "fetch", id: "1", space },
];

/** What comes for some frames, until a pong that follows them. */
const exchangeFrames = async (
  client: LiveClient,
  frames: readonly object[],
): Promise<readonly string[]> => {
  for (const frame of frames) client.sendRaw(JSON.stringify(frame));
  // A push is answered when it is done, not before what follows it.
  await server.time.settle();
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.send({ type: "ping" });
  const texts: string[] = [];
  for (;;) {
    const text = await client.nextText();
    if (text.includes('"type":"pong"')) return texts;
    texts.push(text);
  }
};

describe("[TOKEN-11] no byte of tenant B reaches tenant A over a WebSocket", () => {
  const asRequest = get("/v2/live");
  const answerOf = (client: LiveClient): RawAnswer => ({ bytes: client.received() }) as RawAnswer;

  test.each(["read", "write", "admin"] as const)("with %s in its own space", async (level) => {
    const client = await helloLive(server.url, tokens[level]);
    for (const space of [spaceB, missing, spaceA]) await exchangeFrames(client, framesAt(space));
    const changes = [reading(`${CANARY}-live-${level}`, NOW, { author: `${CANARY} ann` })];
    const other = await helloLive(server.url, tokenB);
    const told = await exchangeFrames(other, [
      { type: "subscribe", id: "b", space: spaceB },
      { type: "push", id: "p", space: spaceB, changes },
    ]);
    // The canaries sing to whom they may.
    expect(told.join("")).toContain(CANARY);
    await exchangeFrames(client, []);
    expectClean(answerOf(client), asRequest);
    client.close();
    other.close();
    // What A pushed there is nowhere.
    expect(await stateOfB()).not.toContain("a-3");
  });

  test("[OPEN-7] a space of others and one that was deleted answer as one that never was, to the byte", async () => {
    const answers = async (token: string, space: SpaceId): Promise<readonly string[]> => {
      const client = await helloLive(server.url, token);
      const texts = await exchangeFrames(client, framesAt(space));
      client.close();
      return texts.map((text) => text.replaceAll(space, "SPACE"));
    };
    const absent = await answers(tokens.admin, missing);
    expect(absent.length).toBeGreaterThan(5);
    expect(await answers(tokens.admin, spaceB)).toEqual(absent);
    expect(await answers(widow, gone)).toEqual(absent);
  });

  test("without a token, with one that is false or expired, nobody gets further", async () => {
    const expired = await server.access.token({ [spaceB]: "admin" }, { expiresInS: 0 });
    for (const token of [undefined, `${tokenB}x`, "x", expired]) {
      const client = await connectLive(server.url);
      client.send({ type: "hello", protocol: 2, ...(token === undefined ? {} : { token }) });
      for (const frame of framesAt(spaceB)) client.sendRaw(JSON.stringify(frame));
      expect((await client.closed).code).toBe(4_401);
      expectClean(answerOf(client), asRequest);
      expect(client.received()).not.toContain("changes");
    }
  });

  test("what B does while A listens is told to nobody else", async () => {
    const a = await helloLive(server.url, tokens.read);
    await exchangeFrames(a, [{ type: "subscribe", id: "1", space: spaceA }]);
    const b = await helloLive(server.url, tokenB);
    const changes = [reading(`${CANARY}-4`, NOW)];
    await exchangeFrames(b, [{ type: "push", id: "1", space: spaceB, changes }]);
    await server.time.advance(6_000);
    expect(await exchangeFrames(a, [])).toEqual([]);
    expectClean(answerOf(a), asRequest);
    a.close();
    b.close();
  });
});

describe("the canaries sing", () => {
  /** Routes that have something to tell of a space: else the tests above could not fail. */
  const telling = [
    "POST /v1/sync/",
    "GET /v1/readings/",
    "GET /v1/readings/stream",
    "POST /v2/spaces/:space/sync",
    "GET /v2/spaces/:space/changes",
    "GET /v2/spaces/:space/evidence",
    "GET /v2/spaces/:space/rejections",
    "GET /v2/spaces/:space/devices",
    "GET /v2/audit",
  ];

  test.each(telling)("%s tells them to whom it may", async (route) => {
    for (const token of [tokenB, operator]) {
      const [first] = attemptsAt[route]?.(spaceB) ?? [];
      if (first === undefined) throw new Error("no attempt");
      const answer = await ask(token, first);
      expect(answer.status).toBe(200);
      expect(answer.bytes.toLowerCase()).toContain(CANARY);
    }
  });

  test("GET /v2/spaces tells the title to B, and A's own to A", async () => {
    expect((await ask(tokenB, get("/v2/spaces"))).body).toContain(`${CANARY} AB`);
    expect((await ask(tokens.read, get("/v2/spaces"))).body).toContain(spaceA);
  });
});
