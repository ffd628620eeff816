import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";

const door = join(import.meta.dirname, "../../bin/synchro.mjs");

let folder: string;
/** All that server and commands said, but for what was asked for. */
let said = "";
/** What must never be said, by what it is. */
const secrets = new Map<string, string>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-secrets-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (args: readonly string[], environment: { readonly [name: string]: string } = {}) => {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const child = spawn(process.execPath, ["--conditions=source", door, ...args], {
    cwd: folder,
    env,
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  return { child, output, closed: once(child, "close") };
};

type Options = {
  readonly environment?: { readonly [name: string]: string };
  readonly input?: string;
  /** Its stdout is a secret that was asked for. */
  readonly isAsked?: boolean;
};

const run = async (line: string, options: Options = {}) => {
  const { child, output, closed } = start(line.split(" "), options.environment);
  child.stdin.end(options.input ?? "");
  const [code] = (await closed) as [number];
  said += output.stderr + (options.isAsked === true ? "" : output.stdout);
  return { code, stdout: output.stdout.trim() };
};

const keysPath = (): string => join(folder, "keys.json");

type StoredKeys = { readonly keys: readonly { readonly [member: string]: string }[] };

const noteKeys = (): StoredKeys => {
  const stored = JSON.parse(readFileSync(keysPath(), "utf8")) as StoredKeys;
  for (const { kid, d, k } of stored.keys) {
    const secret = d ?? k ?? "";
    secrets.set(`the private part of ${kid}`, secret);
    secrets.set(`the bytes of ${kid}`, Buffer.from(secret, "base64url").toString("hex"));
  }
  return stored;
};

const noteToken = (name: string, token: string): string => {
  const [, payload = "", signature = ""] = token.split(".");
  secrets.set(`the claims of ${name}`, payload);
  secrets.set(`the signature of ${name}`, signature);
  return token;
};

const mint = async (name: string, flags: string): Promise<string> => {
  const { stdout } = await run(`token ${flags} --keys keys.json`, { isAsked: true });
  return noteToken(name, stdout);
};

const serve = async () => {
  const flags = ["--port", "0", "--keys", "keys.json", "--log-level", "debug"];
  const server = start(["serve", ...flags]);
  while (!server.output.stdout.includes("Ctrl+C")) {
    if (server.child.exitCode !== null) throw new Error(server.output.stderr);
    await sleep(20);
  }
  const url = /listens on (\S+)\n/.exec(server.output.stdout)?.[1] ?? "";
  const stop = async (): Promise<void> => {
    server.child.kill("SIGTERM");
    await server.closed;
    said += server.output.stdout + server.output.stderr;
  };
  return { url, stop, log: () => server.output.stderr };
};

type Ask = { readonly token?: string; readonly body?: unknown; readonly method?: string };

const asker =
  (url: string) =>
  async (path: string, { token, body, method }: Ask = {}) => {
    const response = await fetch(`${url}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };

const sendRaw = async (url: string, text: string): Promise<void> => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {}).on("data", () => {});
  socket.write(text);
  await Promise.race([once(socket, "close"), sleep(1_000)]);
  socket.destroy();
};

const attackServer = async (url: string, operator: string, clerk: string): Promise<void> => {
  const ask = asker(url);
  const change = (note: string) => ({
    collection: "readings",
    key: "a",
    updated_at: "2026-11-24T10:00:00Z",
    value: { expiration_date: "2026-12-01", note },
  });
  expect((await ask("/v2/spaces", { token: operator, body: { id: "shop-1" } })).status).toBe(201);
  const sync = "/v2/spaces/shop-1/sync";
  secrets.set("a record's value", "canary-value-of-a-record");
  const body = { changes: [change("canary-value-of-a-record")] };
  expect((await ask(sync, { token: clerk, body })).status).toBe(200);
  for (const token of [
    `${clerk}x`,
    clerk.slice(0, -2),
    "nonsense",
    noteToken("a false one", "a.canary-claims.canary-signature"),
  ]) {
    expect((await ask(sync, { token, body })).status).toBe(401);
  }
  expect((await ask("/v2/spaces", { token: clerk, body: { id: "shop-2" } })).status).toBe(403);
  expect((await ask("/v2/spaces/shop-2/changes", { token: clerk })).status).toBe(404);
  expect(
    (await ask(sync, { token: clerk, body: `{"changes":[canary-value-of-a-record` })).status,
  ).toBe(400);
  expect((await ask(`/v1/readings/?token=${clerk}`)).status).toBe(401);
  expect((await ask(`/nothing/${clerk}`)).status).toBe(404);
  expect((await ask("/v1/readings/", { token: "x".repeat(9_000) })).status).toBe(401);
  await sendRaw(url, `GET / HTTP/1.1\r\nAuthorization: Bearer ${clerk}\r\nbroken\r\n\r\n`);
  await sendRaw(url, `GET / HTTP/1.1\r\nAuthorization: ${clerk.repeat(60)}\r\n\r\n`);
  const invited = await ask("/v2/spaces/shop-1/invitations", {
    token: operator,
    body: { level: "write" },
  });
  expect(invited.status).toBe(201);
  const { code } = JSON.parse(invited.text) as { readonly code: string };
  secrets.set("a code", code);
  secrets.set("a code without dashes", code.replaceAll("-", ""));
  const secret = randomBytes(32).toString("base64url");
  secrets.set("a device's secret", secret);
  const wrong = { code: "7KQ4-M2XD-9RTA", secret, name: "scanner" };
  const refused = await ask("/v2/devices", { body: wrong });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  const admitted = await ask("/v2/devices", { body: { code, secret, name: "scanner" } });
  expect(admitted.status).toBe(200);
  const { device, token } = JSON.parse(admitted.text) as {
    readonly device: { readonly id: string };
    readonly token: string;
  };
  noteToken("a device", token);
  expect((await ask("/v1/readings/", { token })).status).toBe(200);
  expect((await ask(`/v2/devices/${device.id}/token`, { token: secret, body: {} })).status).toBe(
    200,
  );
  expect((await ask(`/v2/devices/${device.id}/token`, { token, body: {} })).status).toBe(401);
  expect(
    (await ask(`/v2/devices/${device.id}`, { token: operator, method: "DELETE" })).status,
  ).toBe(204);
};

const breakKeys = async (log: () => string): Promise<void> => {
  const good = readFileSync(keysPath(), "utf8");
  const before = log().length;
  for (const text of [good.slice(0, -9), good.replace('"kid"', '"kid":"a","kid"')]) {
    writeFileSync(keysPath(), text);
    await Promise.all([
      run("key list --keys keys.json"),
      run("serve --port 0 --keys keys.json"),
      run("serve --port 0", { environment: { SYNCHRO_KEYS_JSON: text } }),
    ]);
  }
  await expect.poll(() => log().slice(before), { timeout: 10_000 }).toContain("the keys stay");
  writeFileSync(keysPath(), good);
  chmodSync(keysPath(), 0o644);
  expect((await run("key list --keys keys.json")).code).toBe(1);
  chmodSync(keysPath(), 0o600);
};

test(
  "[TOKEN-14] no secret, token or code stands in what server and commands say, whatever fails",
  { timeout: 120_000 },
  async () => {
    await run("key new --keys keys.json --alg HS256");
    await run("key new --keys keys.json");
    const { keys } = noteKeys();
    const [operator, clerk] = await Promise.all([
      mint("the operator", "--space *=admin --yes-every-space --subject op"),
      mint("a clerk", "--space shop-1=write --subject ann --expires 1h"),
    ]);
    const server = await serve();
    await attackServer(server.url, operator, clerk);
    await Promise.all([
      run("token show --keys keys.json", { input: clerk }),
      run("token show --keys keys.json", { input: `${clerk}x` }),
      run(`token show ${clerk} --keys keys.json`),
      run(`token revoke ${clerk}`),
    ]);
    expect((await run("token revoke -", { input: clerk })).code).toBe(0);
    const json = readFileSync(keysPath(), "utf8");
    const environment = { SYNCHRO_KEYS_JSON: json };
    expect((await run("key list", { environment })).code).toBe(0);
    expect((await run("key list --keys keys.json", { environment })).code).toBe(2);
    await breakKeys(server.log);
    await run(`key drop ${keys[1]?.["kid"]} --keys keys.json`);
    await server.stop();

    expect(secrets.size).toBeGreaterThan(15);
    expect(said).toContain('"level":"debug"');
    expect(said).toContain("VALID");
    const found = Array.from(secrets).filter(([, secret]) => said.includes(secret));
    expect(found.map(([name]) => name)).toEqual([]);
    for (const secret of secrets.values()) expect(secret.length).toBeGreaterThan(9);
  },
);
