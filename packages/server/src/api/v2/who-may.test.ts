import type { SpaceId } from "@synchro/core";
import { afterEach, describe, expect, test } from "vitest";
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from "../../../testing/start-test-server.ts";
import {
  changesPath,
  get,
  push,
  type Query,
  reading,
  shop,
  sync,
} from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";

const NOW = "2026-11-24T10:00:00Z";

let server: TestServer;
const start = async (options: TestServerOptions = {}): Promise<void> => {
  server = await startTestServer({ runtime: new VirtualTime().runtime, ...options });
};
afterEach(() => server.stop());

describe("who may read", () => {
  test("[OPEN-1] [OPEN-7] is asked before a stream begins, and a hidden space is one that does not exist", async () => {
    const asked: string[] = [];
    await start({
      authorize: (credentials, space: SpaceId, action) => {
        asked.push(`${credentials.token} ${space} ${action}`);
        return Promise.resolve({ kind: "hidden" });
      },
    });
    const wishes: readonly (readonly [Query, string])[] = [
      [{}, "application/json"],
      [{ wait: 5 }, "application/json"],
      [{}, "text/event-stream"],
      [{}, "application/x-ndjson"],
    ];
    const bodies = new Set<string>();
    for (const [query, accept] of wishes) {
      const headers = { accept, authorization: "Bearer s3cret" };
      const reply = await get(server, changesPath({ ...query, token: "other" }), headers);
      if (reply.status === 400) {
        bodies.add((await get(server, changesPath(query), headers)).text);
        continue;
      }
      bodies.add(reply.text);
    }
    expect([...bodies].map((text) => JSON.parse(text))).toMatchObject([{ code: "not_found" }]);
    expect(asked).toEqual(wishes.map(() => `s3cret ${shop} read`));
    expect(server.services.hub.spaces()).toBe(0);
  });
});

test("[OPEN-1] a sync with changes is asked for as a write, one without as a read", async () => {
  const asked: string[] = [];
  await start({
    authorize: (_, __, action) => {
      asked.push(action);
      return Promise.resolve({ kind: "allowed", subject: null });
    },
  });
  await push(server, [reading("a", NOW)]);
  await sync(server, { changes: [] });
  await sync(server, {});
  expect(asked).toEqual(["write", "read", "read"]);
});

test("[PUSH-20] [PUSH-21] an author is verified if it is the token's subject, and only then", async () => {
  await start({ authorize: () => Promise.resolve({ kind: "allowed", subject: "ann" }) });
  await push(server, [
    reading("silent", NOW),
    reading("own", NOW, { author: "ann" }),
    reading("other", NOW, { author: "bo" }),
  ]);
  const { changes } = await sync(server, {});
  const authors = changes.map(({ key, author, author_unverified: unverified }) => [
    key,
    author,
    unverified,
  ]);
  expect(authors).toEqual([
    ["silent", "ann", undefined],
    ["own", "ann", undefined],
    ["other", undefined, "bo"],
  ]);
});
