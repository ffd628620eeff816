import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeviceToken } from "@synchro/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runCommand } from "../../../testing/run-command.ts";
import { reading, replyOf } from "../../../testing/v2-requests.ts";
import { type RunningServer, startServer } from "../../compose.ts";
import { readSettings } from "../../config/settings.ts";

let folder: string;
let data: string;
let server: RunningServer;

const command = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-life-"));
  data = join(folder, "data");
  const keys = join(folder, "keys.json");
  await command("key", "new", "--keys", keys, "--data", data);
  await command("space", "create", "shop-1", "--data", data);
  const flags = ["--port", "0", "--data", data, "--keys", keys, "--log-level", "silent"];
  server = await startServer(readSettings(flags, {}), (reason) => {
    throw new Error(reason);
  });
});

afterEach(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const send = (path: string, bearer: string | null, body: unknown) =>
  fetch(`${server.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  }).then(replyOf);

const push = (token: string, key: string) =>
  send("/v2/spaces/shop-1/sync", token, { changes: [reading(key, "2026-11-24T09:00:00Z")] });

/** All that is done here takes effect in other processes within this time. */
const soon = { timeout: 10_000, interval: 200 };

/** What a device of this test is. */
const letIn = async () => {
  const code = /^Code +(\S+)$/m.exec(await command("invite", "--space", "shop-1", "--data", data));
  const secret = Buffer.alloc(32, 7).toString("base64url");
  const shown = { code: code?.[1], secret, name: "scanner" };
  const answer = await send("/v2/devices", null, shown);
  expect(answer.status).toBe(200);
  return { ...(answer.json as DeviceToken), secret };
};

test("[DEVICE-6] [DEVICE-7] a device is let in, works, renews and is shut out, within 10 seconds and for good", async () => {
  const { device, token, secret, spaces } = await letIn();
  expect(spaces).toEqual([{ space: "shop-1", level: "write" }]);
  expect((await push(token, "a")).status).toBe(200);
  const renewed = await send(`/v2/devices/${device.id}/token`, secret, {});
  const next = (renewed.json as DeviceToken).token;
  expect((await push(next, "b")).status).toBe(200);
  await command("device", "revoke", device.id, "--data", data);
  await vi.waitFor(async () => expect((await push(next, "c")).status).toBe(401), soon);
  expect((await push(token, "c")).status).toBe(401);
  expect((await send(`/v2/devices/${device.id}/token`, secret, {})).status).toBe(401);
}, 30_000);

test("[SPACE-3] [SPACE-7] a quota, a deletion and its taking back reach a running server within 10 seconds", async () => {
  const { token } = await letIn();
  expect((await push(token, "a")).status).toBe(200);
  await command("space", "quota", "shop-1", "1", "--data", data);
  await vi.waitFor(async () => expect((await push(token, "b")).status).toBe(429), soon);
  await command("space", "delete", "shop-1", "--yes", "--data", data);
  await vi.waitFor(async () => expect((await push(token, "b")).status).toBe(404), soon);
  await command("space", "undelete", "shop-1", "--data", data);
  await command("space", "quota", "shop-1", "none", "--data", data);
  await vi.waitFor(async () => expect((await push(token, "b")).status).toBe(200), soon);
  expect(await command("space", "list", "--data", data)).toMatch(/^shop-1 +2 +- +live/m);
}, 60_000);
