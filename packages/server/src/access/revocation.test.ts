import type { SpaceId, Stamp, StoredRecord } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openEvents } from "../../testing/event-stream.ts";
import { startTokenServer, type TokenServer } from "../../testing/start-token-server.ts";
import { changesPath, reading } from "../../testing/v2-requests.ts";

const space = "malmo-1" as SpaceId;
const NOW = "2026-11-24T10:00:00Z";
const HONOURED_MS = 10_000;

let server: TokenServer;
beforeEach(async () => {
  server = await startTokenServer();
});
afterEach(() => server.stop());

const push = async (token: string, key: string): Promise<number> => {
  const body = JSON.stringify({ changes: [reading(key, NOW)], pull: false });
  const headers = { "content-type": "application/json" };
  const init = { method: "POST", headers, body };
  const answer = await server.fetch(token, `/v2/spaces/${space}/sync`, init);
  await answer.text();
  return answer.status;
};

/** Moves the time in steps, as real servers live it, and lets sockets be heard between them. */
const pass = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 500) {
    await server.time.advance(Math.min(500, left));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

const keysOf = async (): Promise<readonly string[]> => {
  const all = { cursor: null, ack: null, collections: null, tombstones: false, limit: null };
  return (await server.services.pull({ space, ...all })).records.map(({ key }) => key);
};

const by = { actor: "cli:ann@desk", now: "2026-11-24T10:00:00.000000Z" as Stamp };

/** Ways in which a token comes to be worth nothing in the space. */
const ways: readonly {
  readonly name: string;
  readonly status: number;
  readonly shutOut: (id: string) => Promise<unknown>;
}[] = [
  {
    name: "its token is revoked",
    status: 401,
    shutOut: (tokenId) =>
      server.control.revokeToken(
        { tokenId, expiresAt: "2027-01-01T00:00:00.000000Z" as Stamp },
        by,
      ),
  },
  {
    name: "its space is deleted",
    status: 404,
    shutOut: () => server.control.deleteSpace(space, by),
  },
  {
    name: "nobody can tell any more",
    status: 503,
    shutOut: async () => server.access.breakControl("fails"),
  },
];

const setUp = async () => {
  const token = await server.access.token({ [space]: "write" });
  const other = await server.access.token({ [space]: "write", "*": "admin" });
  expect(await push(token, "a")).toBe(200);
  const verified = await server.access.verify(token);
  if (verified.kind === "refused") throw new Error(verified.fault);
  return { token, other, id: verified.token.id };
};

describe.each(ways)("[TOKEN-9] within ten seconds after $name", ({ status, shutOut }) => {
  test.each([
    ["a pull", changesPath({}, space)],
    ["a first long poll", changesPath({ wait: 30 }, space)],
    ["readings of /v1", "/v1/readings/"],
    ["evidence", `/v2/spaces/${space}/evidence?collection=readings`],
  ])("%s is refused", async (_, path) => {
    const { token, id } = await setUp();
    await shutOut(id);
    await pass(HONOURED_MS);
    const asking = server.fetch(token, path);
    await pass(2_500);
    expect((await asking).status).toBe(status);
  });

  test("a push is refused, and applies nothing", async () => {
    const { token, id } = await setUp();
    await shutOut(id);
    await pass(HONOURED_MS);
    const pushing = push(token, "later");
    await pass(2_500);
    expect(await pushing).toBe(status);
    expect(await keysOf()).toEqual(["a"]);
  });

  test.each([
    ["/v2", changesPath({}, space)],
    ["/v1", "/v1/readings/stream"],
  ])("an open stream of %s has ended, and heard nothing of what came after", async (_, path) => {
    const { token, other, id } = await setUp();
    const stream = await openEvents(`${server.url}${path}`, { authorization: `Bearer ${token}` });
    const first = await stream.next();
    expect(first?.data).toContain('"a"');
    await shutOut(id);
    let outcome: string | null = null;
    void stream.outcome().then((how) => (outcome = how));
    await pass(HONOURED_MS);
    expect(outcome).toBe("ended");
    await push(other, "later");
    expect(await stream.next()).toBeNull();
  });

  test("a long poll that waits is answered with the refusal", async () => {
    const { token, id } = await setUp();
    const { cursor } = (await (await server.fetch(token, changesPath({}, space))).json()) as {
      readonly cursor: string;
    };
    const waiting = server.fetch(token, changesPath({ wait: 60, cursor }, space));
    await pass(500);
    await shutOut(id);
    let answered: number | null = null;
    void waiting.then((answer) => (answered = answer.status));
    await pass(HONOURED_MS + 2_500);
    expect(answered).toBe(status);
  });

  test("an NDJSON answer that is under way reads no further page", async () => {
    const { token, id } = await setUp();
    for (const key of ["b", "c", "d", "e"]) await push(token, key);
    const { store } = server;
    const readPage = store.pull.bind(store);
    let reads = 0;
    store.pull = async (request) => {
      reads += 1;
      if (reads === 2) {
        await shutOut(id);
        await pass(HONOURED_MS + 2_500);
      }
      return readPage(request);
    };
    const path = changesPath({ limit: 1 }, space);
    const answer = await server.fetch(token, path, { headers: { accept: "application/x-ndjson" } });
    const asking = answer.text();
    await pass(2_500);
    const lines = (await asking).trimEnd().split("\n");
    expect(lines.filter((line) => line.includes('"collection"'))).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/"more":true/);
  });

  test("an answer of /v1 that is under way is cut", async () => {
    const { token, id } = await setUp();
    const keys = Array.from({ length: 3_000 }, (_, n) => `k${n}`.padEnd(200, "x"));
    for (let at = 0; at < keys.length; at += 500) {
      const changes = keys.slice(at, at + 500).map((key) => reading(key, NOW));
      const init = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ changes, pull: false }),
      };
      await (await server.fetch(token, `/v2/spaces/${space}/sync`, init)).text();
    }
    const { store } = server;
    const open = store.openSnapshot.bind(store);
    store.openSnapshot = async (of) => {
      const snapshot = await open(of);
      async function* slowly(chunks: AsyncIterable<readonly StoredRecord[]>) {
        let count = 0;
        for await (const chunk of chunks) {
          count += 1;
          if (count === 2) {
            await shutOut(id);
            await pass(HONOURED_MS);
          }
          yield chunk;
        }
        expect(count).toBeGreaterThan(2);
      }
      const liveByStamp: typeof snapshot.liveByStamp = (...of_) =>
        slowly(snapshot.liveByStamp(...of_));
      return new Proxy(snapshot, {
        get: (target, name) => {
          if (name === "liveByStamp") return liveByStamp;
          const member = Reflect.get(target, name) as unknown;
          return typeof member === "function" ? member.bind(target) : member;
        },
      });
    };
    const answer = await server.fetch(token, "/v1/readings/");
    const reading_ = answer.text().then(
      (text) => text,
      () => "cut",
    );
    await pass(2_500);
    expect(await reading_).toBe("cut");
  });
});
