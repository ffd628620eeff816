import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import type { LiveClient } from "../../../../testing/live-client.ts";
import { closeCode, headersMs, useLiveServer } from "../../../../testing/live-server.ts";
import { reading } from "../../../../testing/v2-requests.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";

/** Something is sent for which the connection is closed, with a problem of this status and code. */
const expectClosed = async (client: LiveClient, status: number, code: string): Promise<void> => {
  const frame = await client.next("error");
  expect(frame).not.toHaveProperty("id");
  expect([frame.problem.status, frame.problem.code]).toEqual([status, code]);
  expect(await client.closed).toEqual({ code: closeCode(status), reason: code });
};

const json = (value: unknown): string => JSON.stringify(value);

describe("[LIVE-19] the first frame", () => {
  test.each<[string, string, number, string]>([
    ["another than hello", json({ type: "ping" }), 400, "bad_request"],
    ["a hello of another version", json({ type: "hello", protocol: 3 }), 400, "bad_request"],
    [
      "a hello whose token is a number",
      json({ type: "hello", protocol: 2, token: 7 }),
      400,
      "bad_request",
    ],
    ["text that is no JSON", "hello", 400, "bad_json"],
    ["an array", "[]", 400, "bad_request"],
    ["an object without a type", "{}", 400, "bad_request"],
    [
      "a member that stands twice",
      '{"type":"hello","type":"hello","protocol":2}',
      400,
      "bad_request",
    ],
  ])("that is %s ends it", async (_, text, status, code) => {
    await live.start();
    const client = await live.connect();
    client.sendRaw(text);
    await expectClosed(client, status, code);
  });

  test("that does not come within headersMs ends it", async () => {
    await live.start();
    const client = await live.connect();
    await live.time().advance(headersMs - 1);
    expect(client.waiting()).toBe(0);
    await live.time().advance(1);
    await expectClosed(client, 408, "request_timeout");
  });

  test("that is too long cuts it, before it is whole", async () => {
    await live.start();
    const client = await live.connect();
    client.sendRaw(json({ type: "hello", protocol: 2, padding: "x".repeat(100_000) }));
    expect((await client.closed).code).toBe(1_006);
  });

  test("that comes bit by bit ends it as one that does not come", async () => {
    await live.start();
    const { port } = new URL(live.server().url);
    const socket = connect(Number(port), "127.0.0.1");
    const lines = [
      "GET /v2/live HTTP/1.1",
      `Host: 127.0.0.1:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol: synchro.v2",
      "\r\n",
    ];
    socket.write(lines.join("\r\n"));
    let received = "";
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    await expect.poll(() => received).toContain("101 Switching Protocols");
    // A text frame of 100 bytes that gets no further than its first.
    socket.write(Buffer.from([0x81, 0x80 | 100, 1, 2, 3, 4, 0x7a]));
    await live.time().advance(headersMs);
    await expect.poll(() => received).toContain("request_timeout");
    socket.destroy();
  });

  test("may be followed by others at once, of any length", async () => {
    await live.start();
    const client = await live.connect();
    const value = { expiration_date: "2026-12-01", note: "x".repeat(200_000) };
    client.send({ type: "hello", protocol: 2 });
    client.send({
      type: "push",
      id: "1",
      space: "shop-1",
      changes: [reading("a", NOW, { value })],
    });
    client.send({ type: "ping" });
    await client.next("welcome");
    const types = [await client.nextText(), await client.nextText()].map(
      (text) => (JSON.parse(text) as { readonly type: string }).type,
    );
    expect(types.toSorted()).toEqual(["pong", "results"]);
  });

  test("is answered with what the client must know", async () => {
    await live.start({ limits: { liveSubscriptionsMax: 7, bodyBytesMax: 300_000 } });
    const client = await live.connect();
    client.send({ type: "hello", protocol: 2 });
    expect(await client.next("welcome")).toEqual({
      type: "welcome",
      now: NOW,
      frame_bytes_max: 300_000,
      subscriptions_max: 7,
    });
  });
});

describe("[LIVE-18] a frame", () => {
  test.each<[string, string | Buffer, number, string]>([
    ["that is no JSON", '{"type":', 400, "bad_json"],
    ["that is empty", "", 400, "bad_json"],
    ["that is no object", "7", 400, "bad_request"],
    ["whose type is no text", json({ type: {} }), 400, "bad_request"],
    ["that nests too deeply", `{"type":"push","a":${"[".repeat(200)}`, 413, "too_complex"],
    ["of too many values", `{"type":"push","a":[${"1,".repeat(200_000)}1]}`, 413, "too_complex"],
    ["that is binary", Buffer.from(json({ type: "ping" })), 415, "unsupported_media_type"],
  ])("%s ends the connection", async (_, data, status, code) => {
    await live.start();
    const client = await live.hello();
    client.sendRaw(data);
    await expectClosed(client, status, code);
  });

  test("that is longer than a body may be ends the connection", async () => {
    await live.start({ limits: { bodyBytesMax: 300_000 } });
    const client = await live.hello();
    client.sendRaw(json({ type: "ping", padding: "x".repeat(300_000) }));
    expect((await client.closed).code).toBe(1_009);
  });

  test("that is no UTF-8 ends the connection", async () => {
    await live.start();
    const client = await live.hello();
    client.socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect((await client.closed).code).toBe(1_007);
  });

  test.each<[string, object, string | undefined]>([
    ["of a type that there is not", { type: "fetch", id: "1" }, "1"],
    ["of a type that there is not, without an id", { type: "toString" }, undefined],
    ["of a type of the server's", { type: "changes", id: "1" }, "1"],
    ["hello, said again", { type: "hello", protocol: 2 }, undefined],
    ["without the space that it needs", { type: "subscribe", id: "a" }, "a"],
    ["with a space that can be none", { type: "subscribe", id: "a", space: "NO" }, "a"],
    ["without an id", { type: "subscribe", space: "shop-1" }, undefined],
    [
      "with an id that is too long",
      { type: "push", id: "x".repeat(200), space: "shop-1" },
      undefined,
    ],
    ["with a limit of 0", { type: "subscribe", id: "a", space: "shop-1", limit: 0 }, "a"],
    ["whose changes are no array", { type: "push", id: "p", space: "shop-1", changes: 7 }, "p"],
    ["with a U+0000 outside of changes", { type: "push", id: "p", space: "shop-1", x: "\0" }, "p"],
  ])("%s is refused, and the connection goes on", async (_, frame, id) => {
    await live.start();
    const client = await live.hello();
    client.sendRaw(json(frame));
    client.send({ type: "ping" });
    const error = await client.next("error");
    expect([error.id, error.problem.code]).toEqual([id, "bad_request"]);
    await client.next("pong");
  });

  test("with members that nobody knows is read without them", async () => {
    await live.start();
    const client = await live.hello();
    client.sendRaw(json({ type: "ping", from: "the future" }));
    expect(await client.next("pong")).toEqual({ type: "pong" });
  });

  test("that is a fault of the server's ends the connection, and says no more than that", async () => {
    let isBroken = false;
    await live.start({
      identify: async () => {
        if (isBroken) throw new Error("secret");
        return { kind: "known", principal: { subject: null, grants: new Map() } };
      },
    });
    const client = await live.hello();
    isBroken = true;
    client.send({ type: "ping" });
    await expectClosed(client, 500, "internal");
    expect(client.received()).not.toContain("secret");
  });
});
