import type { SpaceId } from "@synchro/core";
import { expect, test } from "vitest";
import { startTestServer } from "../../../testing/start-test-server.ts";

const stamp = (minute: number): string => `2026-11-23T10:0${minute}:00Z`;

test("[PULL-13] a delete by another device between the push and the page reaches who was told the record", async () => {
  const server = await startTestServer();
  const sync = async (changes: readonly object[]): Promise<{ changes: object[] }> => {
    const response = await fetch(`${server.url}/v2/spaces/shop-1/sync`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ cursor: null, changes }),
    });
    return (await response.json()) as { changes: object[] };
  };
  const milk = { collection: "readings", key: "milk" };
  const { store } = server;
  const pull = store.pull.bind(store);
  let isFirst = true;
  store.pull = async (request) => {
    if (isFirst) {
      isFirst = false;
      await sync([{ ...milk, updated_at: stamp(2), deleted: true }]);
    }
    return pull(request);
  };
  const value = { expiration_date: "2026-12-01" };
  const answer = await sync([{ ...milk, updated_at: stamp(1), value }]);
  expect(answer).toMatchObject({ results: [{ seq: 1 }], changes: [{ seq: 2, deleted: true }] });
  const { state } = await store.openSnapshot("shop-1" as SpaceId);
  expect(state?.head).toBe(2);
  await server.stop();
});
