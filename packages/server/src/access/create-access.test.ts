import type { SpaceId } from "@synchro/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testAccess, type TestAccess } from "../../testing/access-fixture.ts";
import { VirtualTime } from "../../testing/virtual-time.ts";
import type { DeviceId } from "../control/control-store.ts";
import type { Action } from "../service/authorize.ts";

const malmo = "malmo-1" as SpaceId;
const lund = "lund-2" as SpaceId;
const device = "d_0123456789abcdef0123" as DeviceId;

let time: VirtualTime;
let access: TestAccess;
beforeEach(async () => {
  time = new VirtualTime();
  access = await testAccess(time, { requestsPerSecond: 2, requestsBurst: 3 });
  await time.settle();
});
afterEach(() => access.stop());

const kind = async (token: string | null, space: SpaceId, action: Action): Promise<string> =>
  (await access.authorize({ token }, space, action)).kind;

const idOf = async (token: string): Promise<string> => {
  const reading = await access.verify(token);
  return reading.kind === "valid" ? reading.token.id : "";
};

describe("[TOKEN-8] who is refused", () => {
  test("who brings no token, or one of nobody", async () => {
    expect(await kind(null, malmo, "read")).toBe("unauthorized");
    expect(await kind("x.y.z", malmo, "read")).toBe("unauthorized");
    expect(await access.identify({ token: null }, { counts: true })).toEqual({
      kind: "unauthorized",
    });
  });

  test("[OPEN-7] a space of others, one that was deleted and one that never was are one", async () => {
    const token = await access.token({ [malmo]: "admin", gone: "admin" });
    access.change({ deletedSpaces: new Set(["gone" as SpaceId]) });
    await time.advance(2_000);
    for (const action of ["read", "write", "admin"] as const) {
      const decisions = await Promise.all(
        [lund, "gone", "never-was"].map((space) =>
          access.authorize({ token }, space as SpaceId, action),
        ),
      );
      expect(decisions).toEqual([{ kind: "hidden" }, { kind: "hidden" }, { kind: "hidden" }]);
    }
  });

  test("[TOKEN-13] a space that was granted and is not there yet is there for its holder", async () => {
    const token = await access.token({ "never-was": "read" });
    expect(await kind(token, "never-was" as SpaceId, "read")).toBe("allowed");
  });

  test.each([
    ["read", ["allowed", "forbidden", "forbidden"]],
    ["write", ["allowed", "allowed", "forbidden"]],
    ["admin", ["allowed", "allowed", "allowed"]],
  ] as const)("%s may what it includes", async (level, kinds) => {
    const token = await access.token({ [malmo]: level });
    const decided = [];
    for (const action of ["read", "write", "admin"] as const) {
      decided.push(await kind(token, malmo, action));
    }
    expect(decided).toEqual(kinds);
  });

  test("of * and a space the greater counts", async () => {
    const token = await access.token({ "*": "read", [malmo]: "write" });
    expect(await kind(token, malmo, "write")).toBe("allowed");
    expect(await kind(token, lund, "read")).toBe("allowed");
    expect(await kind(token, lund, "write")).toBe("forbidden");
  });
});

describe("[TOKEN-9] a revocation", () => {
  test("of a token, of a device and of a space is honoured within two seconds by requests", async () => {
    const own = await access.token({ [malmo]: "write" });
    const devices = await access.token({ [malmo]: "write" }, { device });
    const other = await access.token({ [malmo]: "write" });
    access.change({
      revokedTokens: new Set([await idOf(own)]),
      revokedDevices: new Set([device]),
    });
    await time.advance(2_000);
    expect(await kind(own, malmo, "read")).toBe("unauthorized");
    expect(await kind(devices, malmo, "read")).toBe("unauthorized");
    expect(await kind(other, malmo, "read")).toBe("allowed");
    expect(await access.identify({ token: own }, { counts: false })).toEqual({
      kind: "unauthorized",
    });
  });

  test.each(["fails", "hangs"] as const)(
    "that can't be looked up, because the look %s, is not guessed: after five seconds nobody is answered",
    async (how) => {
      const token = await access.token({ [malmo]: "write" });
      access.breakControl(how);
      await time.advance(5_000);
      expect(await kind(token, malmo, "read")).toBe("allowed");
      await time.advance(1);
      const asked = [
        access.authorize({ token }, malmo, "read"),
        access.identify({ token }, { counts: false }),
      ];
      await time.advance(2_000);
      expect(await Promise.all(asked)).toEqual([{ kind: "unavailable" }, { kind: "unavailable" }]);
    },
  );

  test("that can be looked up again is honoured by the very next request", async () => {
    const token = await access.token({ [malmo]: "write" });
    const other = await access.token({ [malmo]: "write" });
    access.breakControl("fails");
    await time.advance(9_000);
    access.breakControl("works");
    access.change({ revokedTokens: new Set([await idOf(token)]) });
    expect(await kind(token, malmo, "read")).toBe("unauthorized");
    expect(await kind(other, malmo, "read")).toBe("allowed");
  });
});

describe("[TOKEN-10] the rate of a caller", () => {
  const identify = (token: string, counts = true) => access.identify({ token }, { counts });

  test("is bounded, with the seconds after which it may come again", async () => {
    const token = await access.token({ [malmo]: "read" });
    for (let n = 0; n < 3; n += 1) expect((await identify(token)).kind).toBe("known");
    expect(await identify(token)).toEqual({ kind: "limited", retryAfterS: 1 });
    await time.advance(499);
    expect((await identify(token)).kind).toBe("limited");
    await time.advance(1);
    expect((await identify(token)).kind).toBe("known");
    expect((await identify(token)).kind).toBe("limited");
    await time.advance(60_000);
    for (let n = 0; n < 3; n += 1) expect((await identify(token)).kind).toBe("known");
    expect((await identify(token)).kind).toBe("limited");
  });

  test("is each token's own, and a device's over all its tokens", async () => {
    const one = await access.token({ [malmo]: "read" });
    const other = await access.token({ [malmo]: "read" });
    for (let n = 0; n < 4; n += 1) await identify(one);
    expect((await identify(other)).kind).toBe("known");
    for (let n = 0; n < 3; n += 1) {
      const renewed = await access.token({ [malmo]: "read" }, { device });
      expect((await identify(renewed)).kind).toBe("known");
    }
    const renewed = await access.token({ [malmo]: "read" }, { device });
    expect((await identify(renewed)).kind).toBe("limited");
  });

  test("counts no look at who somebody is, and no decision on an open stream", async () => {
    const token = await access.token({ [malmo]: "read" });
    for (let n = 0; n < 20; n += 1) {
      expect((await identify(token, false)).kind).toBe("known");
      expect(await kind(token, malmo, "read")).toBe("allowed");
    }
    expect((await identify(token)).kind).toBe("known");
  });
});

test("[TOKEN-9] a stop leaves no timer", () => {
  access.stop();
  expect(time.timers).toBe(0);
});
