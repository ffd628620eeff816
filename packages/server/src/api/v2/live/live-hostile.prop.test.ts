import fc from "fast-check";
import { expect, test } from "vitest";
import type { LiveClient } from "../../../../testing/live-client.ts";
import { useLiveServer } from "../../../../testing/live-server.ts";
import { reading } from "../../../../testing/v2-requests.ts";

const live = useLiveServer();

const NOW = "2026-11-24T10:00:00Z";

/** A frame as it should be, for fast-check to spoil. */
const frames: readonly object[] = [
  { type: "hello", protocol: 2, token: "x", client_id: "c" },
  { type: "token", token: "x" },
  { type: "subscribe", id: "1", space: "shop-1", cursor: null, collections: ["readings"] },
  { type: "unsubscribe", space: "shop-1" },
  { type: "push", id: "2", space: "shop-1", changes: [reading("a", NOW)] },
  { type: "ping" },
];

const names = [
  "type",
  "id",
  "space",
  "changes",
  "cursor",
  "ack",
  "limit",
  "token",
  "__proto__",
  "x",
];

/** A frame of which a member is something else. */
const spoiled = fc
  .tuple(fc.constantFrom(...frames), fc.constantFrom(...names), fc.jsonValue())
  .map(([frame, name, value]) => {
    const members = Object.entries({ ...frame }).filter(([each]) => each !== name);
    const texts = [...members, [name, value] as const].map(
      ([each, of]) => `${JSON.stringify(each)}:${JSON.stringify(of)}`,
    );
    return `{${texts.join(",")}}`;
  });

/** A frame's text, cut or with something put in. */
const mangled = fc
  .tuple(fc.constantFrom(...frames), fc.nat(200), fc.string({ maxLength: 5 }))
  .map(([frame, at, text]) => {
    const whole = JSON.stringify(frame);
    const place = at % (whole.length + 1);
    return text === "" ? whole.slice(0, place) : whole.slice(0, place) + text + whole.slice(place);
  });

const anything = fc.oneof(
  spoiled,
  mangled,
  fc.json(),
  fc.string({ unit: "binary", maxLength: 50 }),
  fc.constantFrom(...frames).map((frame) => JSON.stringify(frame)),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
);

/** Sends what it can until the connection is closed, and answers it itself if it is not. */
const say = async (client: LiveClient, data: readonly (string | Buffer)[]): Promise<void> => {
  for (const each of data) if (client.socket.readyState === 1) client.sendRaw(each);
  if (client.socket.readyState !== 1) return;
  const over = client.closed;
  const answered = (async (): Promise<void> => {
    client.send({ type: "ping" });
    while (!(await client.nextText()).includes('"pong"'));
  })();
  await Promise.race([over, answered.catch(() => {})]);
};

test("[LIVE-18] whatever a client sends, it is answered or closed, and the server serves on", async () => {
  await live.start();
  const witness = await live.hello();
  witness.send({ type: "subscribe", id: "w", space: "witness" });
  await witness.next("subscribed");
  await witness.next("changes");
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(anything, { maxLength: 8 }), async (greets, data) => {
      const client = await live.connect();
      const hello = JSON.stringify({ type: "hello", protocol: 2 });
      await say(client, greets ? [hello, ...data] : data);
      client.close();
      for (const frame of client.received().split("}{")) expect(frame).not.toContain('"internal"');
    }),
    { numRuns: 300, seed: 20_261_124, endOnFailure: true },
  );
  witness.send({ type: "push", id: "p", space: "witness", changes: [reading("a", NOW)] });
  const texts = [await witness.nextText(), await witness.nextText()];
  expect(texts.join("")).toContain('"results":[{"seq":1}]');
}, 60_000);
