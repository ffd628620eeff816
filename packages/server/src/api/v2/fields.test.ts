import type { Change, WireRecord, WireSyncAnswer } from "@synchro/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCollectionRegistry } from "../../collections/collection-registry.ts";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { changesPath, get, pull, push, sync } from "../../../testing/v2-requests.ts";
import { VirtualTime } from "../../../testing/virtual-time.ts";

/** The server's clock stands at 10:00 of 24 November 2026. */
const at = (minute: number): string => `2026-11-24T09:${String(minute).padStart(2, "0")}:00Z`;

let server: TestServer;
beforeAll(async () => {
  const registry = createCollectionRegistry({
    articles: {
      merge: "fields",
      functions: { tags: "union" },
      schema: {
        type: "object",
        required: ["name"],
        properties: { name: { type: "string" }, tags: { type: "array" } },
      },
      history: true,
    },
  });
  server = await startTestServer({ runtime: new VirtualTime().runtime, registry });
});
afterAll(() => server.stop());

let spaces = 0;
const newSpace = (): string => {
  spaces += 1;
  return `shop-${spaces}`;
};

/** A sync in which the cursor of the last answer may be used as it is. */
const exchange = (
  space: string,
  cursor: string | null | undefined,
  ...changes: readonly Change[]
): Promise<WireSyncAnswer> => sync(server, { cursor: cursor ?? null, changes }, space);

const patch = (minute: number, value: object | null, more: Partial<Change> = {}): Change =>
  ({
    collection: "articles",
    key: "milk",
    updated_at: at(minute),
    life: value === null ? 2 : 1,
    ...(value === null ? { deleted: true } : { value }),
    ...more,
  }) as Change;

const milk: WireRecord = {
  collection: "articles",
  key: "milk",
  seq: 1,
  updated_at: at(1),
  life: 1,
  stamps: { name: at(1), shelf: at(1) },
  value: { name: "Milk", shelf: "A" },
};

describe("on the wire", () => {
  test("[FIELDS-4] a record has its life and the stamps of its fields, in every form of the pull", async () => {
    const space = newSpace();
    await push(server, [patch(1, { shelf: "A", name: "Milk" })], space);
    const { changes } = await pull(server, {}, space);
    expect(changes).toEqual([milk]);
    const lines = await fetch(`${server.url}${changesPath({}, space)}`, {
      headers: { accept: "application/x-ndjson" },
    });
    const [first = ""] = (await lines.text()).split("\n");
    expect(JSON.parse(first)).toEqual(milk);
    const history = await get(server, `/v2/spaces/${space}/history?collection=articles&key=milk`);
    expect(history.json).toEqual({ versions: [milk] });
  });

  test("[FIELDS-4] a tombstone has its life, and no fields", async () => {
    const space = newSpace();
    await push(server, [patch(1, null)], space);
    const { cursor } = await pull(server, {}, newSpace());
    expect(cursor).toBeNull();
    const answer = await sync(
      server,
      { cursor: null, changes: [patch(1, null)], pull: false },
      space,
    );
    expect(answer).toMatchObject({
      results: [{ merged: 1 }],
      changes: [{ seq: 1, life: 2, stamps: {}, deleted: true }],
    });
  });

  test("[FIELDS-20] [FIELDS-21] two devices at once: both changes stand, and both learn of it", async () => {
    const space = newSpace();
    const made = await exchange(space, null, patch(1, { name: "Milk", shelf: "A" }));
    // Left out of the page: `results` tells its seq.
    expect(made).toMatchObject({ results: [{ seq: 1 }], changes: [] });
    const { cursor } = made;

    const one = await exchange(space, cursor, patch(3, { shelf: "B" }, { base: 1 }));
    expect(one).toMatchObject({ results: [{ seq: 2 }], changes: [] });
    const renamed = patch(2, { name: "Cream", tags: ["cold"] }, { base: 1 });
    const other = await exchange(space, cursor, renamed);
    const whole = {
      ...milk,
      seq: 3,
      updated_at: at(3),
      stamps: { name: at(2), shelf: at(3), tags: at(2) },
      value: { name: "Cream", shelf: "B", tags: ["cold"] },
    };
    expect(other.results).toEqual([{ merged: 3 }]);
    expect(other.changes).toEqual([whole]);
    expect((await pull(server, { cursor: String(one.cursor) }, space)).changes).toEqual([whole]);
  });

  test("[FIELDS-21] a retry gets the whole record, past the cursor too", async () => {
    const space = newSpace();
    const made = patch(1, { name: "Milk", shelf: "A" });
    const { cursor } = await exchange(space, null, made);
    const again = await exchange(space, cursor, made);
    expect(again).toMatchObject({ results: [{ merged: 1 }], changes: [milk] });
  });

  test("[FIELDS-5] a record that is sent back as it came is the change that makes it", async () => {
    const space = newSpace();
    await push(server, [patch(1, { name: "Milk", note: "cold" })], space);
    await push(server, [patch(2, { note: null, shelf: "A" }, { base: 1 })], space);
    const [record] = (await pull(server, {}, space)).changes;
    const elsewhere = newSpace();
    const { results } = await push(server, [record as Change], elsewhere);
    expect(results).toEqual([{ seq: 1 }]);
    expect((await pull(server, {}, elsewhere)).changes).toEqual([{ ...record, seq: 1 }]);
  });

  test("[FIELDS-17] [FIELDS-8] refusals have their codes, and nothing else is refused", async () => {
    const { results } = await push(
      server,
      [
        patch(1, { shelf: "A" }),
        patch(1, { name: "Oats" }, { key: "oats", life: undefined } as object),
        patch(1, { name: "Rice" }, { key: "rice" }),
      ],
      newSpace(),
    );
    expect(results).toMatchObject([
      { rejected: { code: "incomplete", path: "/value/name" } },
      { rejected: { code: "policy_mismatch", path: "/life" } },
      { seq: 1 },
    ]);
  });
});
