import type { Epoch, SpaceId, Stamp } from "@synchro/core";
import { expect, test } from "vitest";
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

const setUp = (outcome: PushOutcome | Error) => {
  const told: string[] = [];
  const requests: StorePush[] = [];
  const push = createPush({
    store: {
      push: async (request: StorePush) => {
        requests.push(request);
        await Promise.resolve();
        told.push("durable");
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
    } as unknown as Parameters<typeof createPush>[0]["store"],
    runtime: new VirtualTime().runtime,
    hub: { announce: (space) => told.push(`announced ${space}`) },
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
    "announced shop-1",
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
