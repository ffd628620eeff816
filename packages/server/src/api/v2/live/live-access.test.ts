import type { SpaceId, Stamp } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectLive, helloLive, type LiveClient } from "../../../../testing/live-client.ts";
import { liveGraceMs, livePingMs, streamAuthorizeMs } from "../../../../testing/live-server.ts";
import { startTokenServer, type TokenServer } from "../../../../testing/start-token-server.ts";
import { reading } from "../../../../testing/v2-requests.ts";

const NOW = "2026-11-24T10:00:00Z";
const NEXT_YEAR = "2027-01-01T00:00:00.000000Z" as Stamp;
const operator = { actor: "operator", now: "2026-11-24T10:00:00.000000Z" as Stamp };

let server: TokenServer;
const clients: LiveClient[] = [];

beforeEach(async () => {
  server = await startTokenServer({ requestsBurst: 50, requestsPerSecond: 2 });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  const stopped = server.stop();
  await server.time.advance(100);
  await stopped;
});

const connect = async (): Promise<LiveClient> => {
  const client = await connectLive(server.url);
  clients.push(client);
  return client;
};

const hello = async (token: string): Promise<LiveClient> => {
  const client = await helloLive(server.url, token);
  clients.push(client);
  return client;
};

const follow = async (client: LiveClient, space: string): Promise<void> => {
  client.send({ type: "subscribe", id: space, space });
  await client.next("subscribed");
  await client.next("changes");
};

const pushTo = (client: LiveClient, space: string, id = "p"): void =>
  client.send({ type: "push", id, space, changes: [reading(id, NOW)] });

describe("[LIVE-20] who may", () => {
  test.each([null, "x", "a.b.c"])("not say hello: token %s", async (token) => {
    const client = await connect();
    client.send({ type: "hello", protocol: 2, ...(token === null ? {} : { token }) });
    expect((await client.next("error")).problem.code).toBe("unauthorized");
    expect(await client.closed).toEqual({ code: 4_401, reason: "unauthorized" });
  });

  test("a token in the address or a header is none", async () => {
    const token = await server.access.token({ acme: "admin" });
    const client = await connectLive(server.url, {
      path: `/v2/live?token=${token}&access_token=${token}`,
      headers: { authorization: `Bearer ${token}` },
    });
    clients.push(client);
    client.send({ type: "hello", protocol: 2 });
    expect((await client.next("error")).problem.code).toBe("unauthorized");
  });

  test("a space of others and one that never was get the same answer, to the byte", async () => {
    await server.fetch(await server.access.token({ other: "write" }), "/v2/spaces/other/sync", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ changes: [reading("a", NOW)] }),
    });
    const client = await hello(await server.access.token({ acme: "write" }));
    const answers: string[] = [];
    for (const space of ["other", "never"]) {
      client.send({ type: "subscribe", id: "1", space });
      answers.push(await client.nextText());
      pushTo(client, space, "1");
      answers.push(await client.nextText());
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('"code":"not_found"');
    await follow(client, "acme");
  });

  test("a push needs write, and its author is the token's subject", async () => {
    const reader = await hello(await server.access.token({ acme: "read" }));
    pushTo(reader, "acme");
    const { id, problem } = await reader.next("error");
    expect([id, problem.code]).toEqual(["p", "forbidden"]);
    await follow(reader, "acme");
    const writer = await hello(await server.access.token({ acme: "write" }, { subject: "bo" }));
    pushTo(writer, "acme");
    await writer.next("results");
    expect(await reader.next("changes")).toMatchObject({ changes: [{ key: "p", author: "bo" }] });
  });

  test("a subscription whose token is taken back ends before anything more is told", async () => {
    const token = await server.access.token({ acme: "read" });
    const client = await hello(token);
    await follow(client, "acme");
    const judged = await server.access.verify(token);
    if (judged.kind !== "valid") throw new Error(judged.fault);
    await server.control.revokeToken({ tokenId: judged.token.id, expiresAt: NEXT_YEAR }, operator);
    await server.time.advance(2_000 + streamAuthorizeMs);
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["acme", "unauthorized"]);
    const writer = await hello(await server.access.token({ acme: "write" }));
    pushTo(writer, "acme", "secret");
    await writer.next("results");
    await server.time.settle();
    expect(client.received()).not.toContain("secret");
  });

  test("of a space that is deleted under its followers they hear that it is not there", async () => {
    const client = await hello(await server.access.token({ acme: "read", other: "read" }));
    await follow(client, "acme");
    await follow(client, "other");
    await server.control.deleteSpace("acme" as SpaceId, operator);
    await server.time.advance(2_000 + streamAuthorizeMs);
    const { id, problem } = await client.next("error");
    expect([id, problem.code]).toEqual(["acme", "not_found"]);
    await server.time.advance(liveGraceMs + livePingMs);
    client.send({ type: "ping" });
    expect(await client.nextText()).toContain('"space":"other"');
  });

  test("is not known while it can't be looked up: nobody is told anything", async () => {
    const token = await server.access.token({ acme: "write" });
    const client = await hello(token);
    await follow(client, "acme");
    server.access.breakControl("fails");
    await server.time.advance(20_000);
    expect(await client.next("error")).toMatchObject({
      id: "acme",
      problem: { code: "unavailable" },
      retry_after_ms: expect.any(Number),
    });
    pushTo(client, "acme");
    await server.time.advance(5_000);
    expect(await client.next("error")).toMatchObject({ id: "p", problem: { code: "unavailable" } });
    const other = await connect();
    other.send({ type: "hello", protocol: 2, token });
    await server.time.advance(5_000);
    expect(await other.next("error")).toMatchObject({ problem: { code: "unavailable" } });
    expect((await other.closed).code).toBe(4_503);
  });
});

describe("[LIVE-28] a token that ends", () => {
  const shortLived = (): Promise<string> =>
    server.access.token({ acme: "write" }, { expiresInS: 60 });
  const longLived = (): Promise<string> =>
    server.access.token({ acme: "write" }, { expiresInS: 3_600 });

  test("ends subscriptions, and pushes get the same; another in time goes on", async () => {
    const client = await hello(await shortLived());
    await follow(client, "acme");
    await server.time.advance(60_000 + streamAuthorizeMs);
    const frames = [await client.nextText()];
    while (!frames.at(-1)?.includes('"error"')) frames.push(await client.nextText());
    expect(frames.at(-1)).toContain('"id":"acme"');
    expect(frames.at(-1)).toContain("unauthorized");
    pushTo(client, "acme");
    expect(await client.next("error")).toMatchObject({
      id: "p",
      problem: { code: "unauthorized" },
    });
    await server.time.advance(liveGraceMs - 10_000);
    client.send({ type: "token", token: await longLived() });
    await client.next("welcome");
    await follow(client, "acme");
    await server.time.advance(liveGraceMs);
    pushTo(client, "acme");
    const texts = [await client.nextText(), await client.nextText(), await client.nextText()];
    expect(texts.join("")).toContain('"type":"results"');
  });

  test("and is followed by none closes the connection after liveGraceMs", async () => {
    const client = await hello(await shortLived());
    await follow(client, "acme");
    await server.time.advance(60_000 + streamAuthorizeMs + liveGraceMs + 1_000);
    expect(await client.closed).toEqual({ code: 4_401, reason: "unauthorized" });
  });

  test("closes also the connection of who follows nothing", async () => {
    const client = await hello(await shortLived());
    await server.time.advance(60_000 + livePingMs + liveGraceMs + 1_000);
    expect((await client.closed).code).toBe(4_401);
  });

  test("while another was given in time interrupts nothing", async () => {
    const client = await hello(await shortLived());
    await follow(client, "acme");
    await server.time.advance(50_000);
    client.send({ type: "token", token: await longLived() });
    const types: string[] = [];
    const until = async (type: string): Promise<void> => {
      while (!types.includes(type)) {
        types.push((JSON.parse(await client.nextText()) as { readonly type: string }).type);
      }
    };
    await until("welcome");
    await server.time.advance(70_000);
    pushTo(client, "acme");
    await until("results");
    expect(types).not.toContain("error");
  });

  test("is not replaced by one that is none", async () => {
    const client = await hello(await longLived());
    await follow(client, "acme");
    client.send({ type: "token", token: "nonsense" });
    const error = await client.next("error");
    expect(error).not.toHaveProperty("id");
    expect(error.problem.code).toBe("unauthorized");
    pushTo(client, "acme");
    await client.nextText();
    expect(await client.nextText()).toMatch(/changes|results/);
  });
});

describe("[LIVE-26] a caller that asks too often", () => {
  test("waits, and is refused nothing", async () => {
    const client = await hello(await server.access.token({ acme: "read" }));
    // 49 are left of the burst.
    for (let count = 0; count < 60; count += 1) client.send({ type: "ping" });
    while (client.waiting() < 49) await server.time.settle();
    await server.time.settle();
    expect(client.waiting()).toBe(49);
    await server.time.advance(1_000);
    await server.time.settle();
    expect(client.waiting()).toBeLessThanOrEqual(52);
    await server.time.advance(10_000);
    await expect.poll(() => client.waiting()).toBe(60);
    expect(client.received()).not.toContain("error");
  });

  test("can't say hello once more, and is told when it may", async () => {
    const token = await server.access.token({ acme: "read" });
    const client = await hello(token);
    for (let count = 0; count < 49; count += 1) client.send({ type: "ping" });
    while (client.waiting() < 49) await server.time.settle();
    const next = await connect();
    next.send({ type: "hello", protocol: 2, token });
    expect(await next.next("error")).toMatchObject({
      problem: { code: "rate_limited" },
      retry_after_ms: expect.any(Number),
    });
    expect((await next.closed).code).toBe(4_429);
  });
});
