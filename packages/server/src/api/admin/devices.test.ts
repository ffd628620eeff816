import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@synchro/core";
import type { DeviceToken, WireDeviceList, WireInvitation } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type AdminServer,
  type Holder,
  startAdminServer,
} from "../../../testing/start-admin-server.ts";
import { problemOf, type Reply } from "../../../testing/v2-requests.ts";
import { systemRuntime } from "../../system-runtime.ts";

let server: AdminServer;

const start = async (options: Parameters<typeof startAdminServer>[0] = {}): Promise<void> => {
  server = await startAdminServer(options);
  for (const id of ["shop-1", "shop-2"]) await server.ask("operator", "POST /v2/spaces", { id });
};

beforeEach(() => start());

afterEach(() => server.stop());

const drawSecret = (): string => Buffer.from(systemRuntime.randomBytes(32)).toString("base64url");

const invite = async (more: object = {}, holder: Holder = "operator", space = "shop-1") => {
  const path = `POST /v2/spaces/${space}/invitations`;
  const answer = await server.ask(holder, path, { level: "write", ...more });
  expect(answer.status).toBe(201);
  return answer.json as WireInvitation;
};

const showCode = (code: string, secret: string, name = "scanner"): Promise<Reply> =>
  server.ask(null, "POST /v2/devices", { code, secret, name });

const letIn = async (code: string, secret = drawSecret(), name = "scanner") => {
  const answer = await showCode(code, secret, name);
  if (answer.status !== 200) throw new Error(answer.text);
  return { ...(answer.json as DeviceToken), secret };
};

const renew = (id: string, secret: string | null): Promise<Reply> =>
  server.ask(
    null,
    `POST /v2/devices/${id}/token`,
    {},
    secret === null ? {} : { authorization: `Bearer ${secret}` },
  );

describe("a code lets nobody in", () => {
  test("[DEVICE-3] that is unknown, used up or expired: one answer for all", async () => {
    const used = await invite();
    await letIn(used.code);
    const late = await invite({ expires_in_s: 60 });
    const texts = [
      await showCode("0000-0000-0000", drawSecret()),
      await showCode(used.code, drawSecret()),
    ];
    await server.time.advance(60_000);
    texts.push(await showCode(late.code, drawSecret()));
    for (const answer of texts) expect(problemOf(answer, 403).code).toBe("invitation_refused");
    expect(new Set(texts.map(({ text }) => text)).size).toBe(1);
    expect(await server.control.listDevices(null)).toHaveLength(1);
  });
});

describe("an invitation", () => {
  test("[DEVICE-1] is 12 characters in groups of 4, another each time, and 15 minutes long", async () => {
    const codes = await Promise.all(Array.from({ length: 20 }, () => invite({}, "keeper")));
    for (const { code } of codes) {
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
    }
    expect(new Set(codes.map(({ code }) => code)).size).toBe(20);
    expect(codes[0]).toEqual({ code: codes[0]?.code, expires_at: "2026-11-24T10:15:00Z" });
  });

  test("[DEVICE-1] tells where to join, where the server knows its address", async () => {
    await server.stop();
    await start({ publicUrl: "https://sync.example/" });
    const { code, join_url: url } = await invite();
    expect(url).toBe(`https://sync.example/#join=${code}`);
  });
});

describe("a device", () => {
  test("[DEVICE-2] [DEVICE-5] typed otherwise, and sent again after a lost answer, is the same one and costs one use", async () => {
    const { code } = await invite({ level: "read" });
    const secret = drawSecret();
    const first = await letIn(code, secret, "scanner 3");
    const typed = code.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
    await server.time.advance(3_600_000);
    const again = await letIn(` ${typed} `, secret, "renamed");
    expect(again.device).toEqual(first.device);
    expect(first).toMatchObject({
      device: { name: "scanner 3", created_at: "2026-11-24T10:00:00Z" },
      token: `token-of-${first.device.id}`,
      expires_at: "2026-11-25T10:00:00Z",
      spaces: [{ space: "shop-1", level: "read" }],
    });
    expect(first.device.id).toMatch(/^d_[0-9a-f]{20}$/);
    expect(await server.control.listDevices(null)).toHaveLength(1);
    expect(problemOf(await showCode(code, drawSecret()), 403).code).toBe("invitation_refused");
  });

  test("[DEVICE-5] sent many times at once it is one", async () => {
    const { code } = await invite();
    const secret = drawSecret();
    const all = await Promise.all(Array.from({ length: 8 }, () => letIn(code, secret)));
    expect(new Set(all.map(({ device }) => device.id)).size).toBe(1);
  });

  test("[DEVICE-6] gets a token as often as it asks, and only for its own secret", async () => {
    const { code } = await invite({ uses: 2 });
    const [one, two] = [await letIn(code), await letIn(code)];
    for (let count = 0; count < 20; count += 1) {
      const answer = await renew(one.device.id, one.secret);
      expect(answer.json).toMatchObject({ device: one.device, token: one.token });
    }
    const refused = [
      await renew(one.device.id, two.secret),
      await renew("d_00000000000000000000", one.secret),
      await renew("x", one.secret),
      await renew(one.device.id, one.token),
      await renew(one.device.id, null),
    ];
    for (const answer of refused) {
      expect(problemOf(answer, 401).code).toBe("unauthorized");
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  test("[DEVICE-7] revoked gets nothing any more, by secret or by code", async () => {
    const { code } = await invite({ uses: 2 });
    const { device, secret } = await letIn(code);
    for (let twice = 0; twice < 2; twice += 1) {
      const answer = await server.ask("keeper", `DELETE /v2/devices/${device.id}`);
      expect(answer.status).toBe(204);
    }
    expect(problemOf(await renew(device.id, secret), 401).code).toBe("unauthorized");
    expect(problemOf(await showCode(code, secret), 403).code).toBe("invitation_refused");
    expect((await server.control.readAccess()).revokedDevices.has(device.id as never)).toBe(true);
  });
});

describe("who guesses", () => {
  test("[DEVICE-8] is slowed down after ten tries, right codes and secrets included, until a while has passed", async () => {
    const { code } = await invite({ uses: 5 });
    const known = await letIn(code);
    const codes = Array.from({ length: 10 }, (_, index) => `0000-0000-000${index}`);
    for (const wrong of codes) problemOf(await showCode(wrong, drawSecret()), 403);
    const limited = await showCode(code, drawSecret());
    expect(problemOf(limited, 429).code).toBe("rate_limited");
    expect(limited.headers.get("retry-after")).toBe("6");
    expect(problemOf(await renew(known.device.id, known.secret), 429).code).toBe("rate_limited");
    await server.time.advance(6_000);
    await letIn(code);
    await letIn(code);
    problemOf(await showCode("0000-0000-0000", drawSecret()), 403);
    expect(problemOf(await showCode(code, drawSecret()), 429).code).toBe("rate_limited");
  });

  test("[DEVICE-8] a secret that is refused counts as a code does", async () => {
    const { device } = await letIn((await invite()).code);
    for (let count = 0; count < 10; count += 1) {
      problemOf(await renew(device.id, drawSecret()), 401);
    }
    expect((await renew(device.id, drawSecret())).status).toBe(429);
  });

  test("[DEVICE-8] a whole shop that is let in at once is not slowed down", async () => {
    const { code } = await invite({ uses: 40 });
    for (let count = 0; count < 40; count += 1) await letIn(code);
    expect(await server.control.listDevices(null)).toHaveLength(40);
  });
});

describe("taking back", () => {
  const devicesOf = async (holder: Holder, space: string) =>
    ((await server.ask(holder, `GET /v2/spaces/${space}/devices`)).json as WireDeviceList).devices;

  test("[DEVICE-9] takes admin in every space of a device; who sees none of them learns nothing", async () => {
    const { device } = await letIn((await invite()).code);
    const path = `DELETE /v2/devices/${device.id}`;
    problemOf(await server.ask(null, path), 401);
    const hidden = await server.ask("stranger", path);
    expect(problemOf(hidden, 404).detail).toBe("there is no such device");
    const missing = await server.ask("stranger", "DELETE /v2/devices/d_00000000000000000000");
    expect(missing.text).toBe(hidden.text);
    problemOf(await server.ask("clerk", path), 403);
    problemOf(await server.ask("watcher", path), 403);
    problemOf(await server.ask("operator", "DELETE /v2/devices/nothing"), 404);
    expect((await server.control.findDevice(device.id as never))?.revokedAt).toBeNull();
  });

  test("[DEVICE-9] a device of several spaces, or of all, is not its keeper's to revoke", async () => {
    const held = [
      new Map([
        ["shop-1", "write"],
        ["shop-2", "write"],
      ]),
      new Map([["*", "read"]]),
    ];
    for (const [index, grants] of held.entries()) {
      const { runtime } = server.time;
      const codeHash = toHex(runtime.sha256(`ABCDEFGHJKM${index}`));
      const now = runtime.now();
      await server.control.createInvitation(
        {
          codeHash,
          grants: grants as never,
          label: "",
          createdAt: now,
          expiresAt: "9999-01-01T00:00:00.000000Z" as never,
          usesLeft: 1,
        },
        { actor: "test", now },
      );
      const { device } = await letIn(`ABCDEFGHJKM${index}`);
      const path = `DELETE /v2/devices/${device.id}`;
      problemOf(await server.ask("both", path), index === 0 ? 403 : 404);
      expect((await server.ask("operator", path)).status).toBe(204);
    }
  });

  test("[DEVICE-11] the list of a space tells each device's level there, and no other space", async () => {
    await letIn((await invite({ level: "read" }, "stranger", "shop-2")).code);
    const first = await letIn((await invite({ level: "write" })).code, drawSecret(), "one");
    await server.time.advance(120_000);
    const second = await letIn((await invite({ level: "admin" })).code, drawSecret(), "two");
    await renew(first.device.id, first.secret);
    await server.ask("keeper", `DELETE /v2/devices/${second.device.id}`);
    expect(await devicesOf("keeper", "shop-1")).toEqual([
      {
        id: second.device.id,
        name: "two",
        level: "admin",
        created_at: "2026-11-24T10:02:00Z",
        renewed_at: "2026-11-24T10:02:00Z",
        revoked_at: "2026-11-24T10:02:00Z",
      },
      {
        id: first.device.id,
        name: "one",
        level: "write",
        created_at: "2026-11-24T10:00:00Z",
        renewed_at: "2026-11-24T10:02:00Z",
        revoked_at: null,
      },
    ]);
    problemOf(await server.ask("clerk", "GET /v2/spaces/shop-1/devices"), 403);
    problemOf(await server.ask("stranger", "GET /v2/spaces/shop-1/devices"), 404);
  });

  test("[DEVICE-12] a token, by its id, is for who administers everything", async () => {
    const revoke = (holder: Holder, body: unknown) =>
      server.ask(holder, "POST /v2/revocations", body);
    const wish = { token_id: "t1", expires_at: "2026-12-24T10:00:00Z" };
    problemOf(await revoke("keeper", wish), 403);
    problemOf(await revoke("watcher", wish), 403);
    for (const bad of [{}, { ...wish, token_id: "" }, { ...wish, expires_at: "2026-13-01" }]) {
      problemOf(await revoke("operator", bad), 400);
    }
    expect((await revoke("operator", wish)).status).toBe(204);
    expect((await server.control.readAccess()).revokedTokens).toEqual(new Set(["t1"]));
  });
});

test("[DEVICE-10] in open mode there are no invitations and no devices, and the answer says why", async () => {
  await server.stop();
  server = await startAdminServer({ isOpen: true });
  expect((await server.ask(null, "POST /v2/spaces", { id: "shop-1" })).status).toBe(201);
  for (const answer of [
    await server.ask(null, "POST /v2/spaces/shop-1/invitations", { level: "read" }),
    await showCode("7KQ4-M2XD-9RTA", drawSecret()),
    await renew("d_00000000000000000000", drawSecret()),
  ]) {
    expect(problemOf(answer, 404).detail).toContain("open mode");
  }
  const { json } = await server.ask(null, "GET /v2/audit");
  expect(json).toMatchObject({ entries: [{ actor: "anybody", action: "space.create" }] });
});

test("[DEVICE-1] [DEVICE-4] [AUDIT-3] neither code nor secret stands in the log, nor in any file of the store", async () => {
  const { code } = await invite({ label: "handhelds" });
  const { secret, device, token } = await letIn(code);
  await renew(device.id, secret);
  await server.ask("keeper", `DELETE /v2/devices/${device.id}`);
  const { text } = await server.ask("operator", "GET /v2/audit");
  expect(text).toContain("handhelds");
  const files = readdirSync(server.dataDir).map((name) =>
    readFileSync(join(server.dataDir, name), "latin1"),
  );
  expect(files.join("")).toContain("handhelds");
  for (const hidden of [code, code.replaceAll("-", ""), secret, token]) {
    expect(text).not.toContain(hidden);
    expect(files.join("")).not.toContain(hidden);
  }
});
