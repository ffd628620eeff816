import {
  type CollectionName,
  type Epoch,
  newSpaceState,
  type PushChange,
  type SpaceId,
  type Stamp,
} from "@synchro/core";
import { describe, expect, test } from "vitest";
import type { PushOutcome, StorePush } from "../store/store.ts";
import { createPush, type PushInput } from "./push.ts";
import { VirtualTime } from "../../testing/virtual-time.ts";

const input: PushInput = {
  space: "shop-1" as SpaceId,
  clientId: "c1",
  changes: [],
  checksClocks: true,
};

const committed: PushOutcome = {
  kind: "committed",
  results: [
    { kind: "applied", seq: 7 },
    { kind: "superseded", seq: 3 },
    { kind: "applied", seq: 8 },
  ],
  lostTo: [],
  position: { epoch: "e" as Epoch, seq: 8 },
  changed: 2,
};

/** `live`: the records of the space; null: it does not exist. `quota`: what it may hold; absent: it is not asked for. */
const setUp = (
  outcome: PushOutcome | Error,
  of: { readonly live?: number | null; readonly quota?: number | null } = {},
) => {
  const told: string[] = [];
  const requests: StorePush[] = [];
  const push = createPush({
    store: {
      describeSpace: async () => {
        told.push("looked");
        const digest = { count: of.live ?? 0, sum: 0n };
        const digests = new Map([["readings" as CollectionName, digest]]);
        return of.live === null ? null : { ...newSpaceState("e" as Epoch), digests };
      },
      push: async (request: StorePush) => {
        requests.push(request);
        await Promise.resolve();
        told.push("durable");
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
    } as unknown as Parameters<typeof createPush>[0]["store"],
    runtime: new VirtualTime().runtime,
    ...(of.quota === undefined ? {} : { quotaOf: () => of.quota ?? null }),
    announce: ({ space, seq }) => told.push(`announced ${space} ${seq}`),
    metrics: {
      countPush: (kind) => told.push(kind),
      countResult: (kind) => told.push(kind),
      countRecordsSent: () => {},
      openStream: () => () => {},
      observeRequest: () => {},
    },
  });
  return { push, told, requests };
};

test("[PUSH-6] what was committed is announced once it is durable, counted and acknowledged", async () => {
  const { push, told, requests } = setUp(committed);
  const now = "2026-11-24T10:00:00.000000Z" as Stamp;
  expect(await push(input)).toEqual({
    kind: "committed",
    results: committed.results,
    lostTo: [],
    ack: "a1.e.8",
    head: 8,
    now,
  });
  expect(requests).toEqual([{ ...input, now }]);
  expect(told).toEqual([
    "durable",
    "committed",
    "announced shop-1 8",
    "applied",
    "superseded",
    "applied",
  ]);
});

test("[PUSH-8] a push that changes nothing wakes nobody", async () => {
  const { push, told } = setUp({ ...committed, changed: 0 });
  await push(input);
  expect(told.filter((each) => each.startsWith("announced"))).toEqual([]);
});

test("[PUSH-22] a full disk wakes nobody, and is counted", async () => {
  const { push, told } = setUp({ kind: "full" });
  expect(await push(input)).toEqual({ kind: "full" });
  expect(told).toEqual(["durable", "full"]);
});

test("a store that fails is no answer, and nothing is counted", async () => {
  const { push, told } = setUp(new Error("no luck"));
  await expect(push(input)).rejects.toThrow("no luck");
  expect(told).toEqual(["durable"]);
});

describe("[SPACE-7] a quota", () => {
  const stamp = "2026-11-24T10:00:00.000000Z" as Stamp;
  const readings = "readings" as CollectionName;
  const record = { collection: readings, key: "a", stamp, author: null };
  const write: PushChange = { kind: "write", ...record, base: null, value: "{}", fieldState: null };
  const tombstone: PushChange = { ...write, value: null };
  const assign: PushChange = { kind: "assign", ...record, members: {} };
  const refused: PushChange = {
    kind: "refused",
    rejection: { code: "bad_key", message: "it is bad", path: "/key" },
    body: null,
  };

  test.each([
    ["at it", 5, 5, [write]],
    ["over it", 9, 5, [write]],
    ["of none", null, 0, [write]],
    ["with one write among others", 5, 5, [tombstone, refused, write]],
    ["with a write of /v1", 5, 5, [assign]],
  ] as const)(
    "%s: refused whole, before the store, and counted",
    async (_, live, quota, changes) => {
      const { push, told, requests } = setUp(committed, { live, quota });
      expect(await push({ ...input, changes })).toEqual({ kind: "over_quota", recordsMax: quota });
      expect(requests).toEqual([]);
      expect(told).toEqual(["looked", "over_quota"]);
    },
  );

  test.each([
    ["below it", 4, 5, [write], ["looked"]],
    ["of a space that does not exist", null, 1, [write], ["looked"]],
    ["that nobody set", 9, null, [write], []],
    ["where there are none at all", 9, undefined, [write], []],
    ["and deletes alone", 9, 5, [tombstone, tombstone], []],
    ["and refused changes alone", 9, 5, [refused], []],
    ["and nothing to push", 9, 5, [], []],
  ] as const)(
    "%s: it passes, and nothing is looked at in vain",
    async (_, live, quota, changes, looks) => {
      const of = { live, ...(quota === undefined ? {} : { quota }) };
      const { push, told } = setUp(committed, of);
      expect(await push({ ...input, changes })).toMatchObject({ kind: "committed" });
      expect(told.filter((each) => each === "looked")).toEqual(looks);
    },
  );
});
