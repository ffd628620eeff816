import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { version } from "../version.ts";

const door = join(import.meta.dirname, "../../bin/synchro.mjs");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-cli-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const start = (args: readonly string[], environment: { readonly [name: string]: string } = {}) => {
  const env = { PATH: process.env["PATH"] ?? "", ...environment };
  const child = spawn(process.execPath, ["--conditions=source", door, ...args], {
    cwd: folder,
    env,
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended = once(child, "close").then(([code]): Ended => ({
    ...output,
    code: code as number | null,
  }));
  return { child, output, ended };
};

const run = (...args: readonly string[]): Promise<Ended> => start(args).ended;

/** A server of its own, on a free port, that listens. */
const serve = async (...args: readonly string[]) => {
  const server = start(["serve", "--port", "0", ...args]);
  let url: string | undefined;
  const hasEnded = server.ended.then(() => true);
  while (url === undefined) {
    const outcome = await Promise.race([sleep(20), hasEnded]);
    if (outcome === true) throw new Error(`ended: ${server.output.stderr}`);
    url = /listens on (\S+)\n/.exec(server.output.stdout)?.[1];
    if (!server.output.stdout.includes("Ctrl+C")) url = undefined;
  }
  return { ...server, url, port: Number(new URL(url).port) };
};

describe("what can't be done is told in one line on stderr, with an exit code", () => {
  test.each([
    [["sevre"], 2, "synchro: sevre is not a command: did you mean serve?"],
    [["frobnicate"], 2, /^synchro: frobnicate is not a command: known are serve, migrate, /],
    [["constructor"], 2, /^synchro: constructor is not a command: known are serve, migrate, /],
    [["serve", "--prot", "1"], 2, "synchro: --prot is not a flag of serve: did you mean --port?"],
    [["migrate", "--data", ""], 2, "synchro: --data must not be empty"],
    [
      ["serve", "--host", "0.0.0.0"],
      2,
      /^synchro: --host must be loopback \(127\.0\.0\.1, ::1 or localhost\), not "0\.0\.0\.0": /,
    ],
    [["serve", "--config", "none.ts"], 1, "synchro: none.ts: can't be read: there is no such file"],
    [
      ["serve", "--config", "bad.json"],
      1,
      "synchro: bad.json: colections is not a field: did you mean collections?",
    ],
  ])("%j", async (args, code, line) => {
    writeFileSync(join(folder, "bad.json"), '{"colections":{}}');
    const ended = await run(...args);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
    expect(ended.stderr).toMatch(/^[^\n]+\n$/);
    expect(ended.stderr.trimEnd()).toMatch(
      typeof line === "string" ? new RegExp(`^${RegExp.escape(line)}$`) : line,
    );
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    expect(await run("serve", "--port", String(port))).toEqual({
      code: 1,
      stdout: "",
      stderr: `synchro: Port ${port} is already in use on 127.0.0.1: stop the other program or choose one with --port\n`,
    });
    expect(existsSync(join(folder, "data"))).toBe(false);
    other.close();
  });
});

describe("the command line", () => {
  test("--version", async () => {
    expect(await run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test.each([
    [["--help"], ["serve", "migrate"]],
    [[], ["serve", "migrate"]],
    [
      ["serve", "-h"],
      ["Usage: synchro serve [flags]", "--port PORT", "SYNCHRO_PORT"],
    ],
    [
      ["migrate", "--data", "x", "--help"],
      ["--data DIR", "SYNCHRO_DATA"],
    ],
  ])("%j is helped", async (args, words) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const word of [...words, "Exit codes", "70"]) expect(stdout).toContain(word);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe("migrate", () => {
  test("makes the database, and has nothing to do a second time", async () => {
    const data = join(folder, "data");
    const first = await run("migrate");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toMatch(/^The database in [^\n]+ is now at schema \d+ \(was at 0\)\.\n$/);
    expect(first.stdout).toContain(data);
    expect(await run("migrate", "--data", data)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ is at schema \d+: nothing to do\.\n$/),
    });
  });

  test("leaves a database alone that a server has open", async () => {
    const server = await serve();
    const ended = await run("migrate");
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(
      /^synchro: the data in [^\n]+ is open in another process: [^\n]+\n$/,
    );
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
  });
});

describe("a server that was started", () => {
  test("keeps its data for itself: a second one over it is refused in one line", async () => {
    const server = await serve();
    const second = await run("serve", "--port", "0");
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(
      /^synchro: the data in [^\n]+ is open in another process: [^\n]+\n$/,
    );
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
  });

  const curlLines = (text: string): readonly string[] =>
    text
      .replaceAll("\\\n", "")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line.startsWith("curl "));

  const shell = async (line: string): Promise<string> => {
    const child = spawn("sh", ["-c", `${line} --silent --show-error --fail-with-body`]);
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    const [code] = (await once(child, "close")) as [number];
    expect({ line, code, out }).toMatchObject({ code: 0 });
    return out;
  };

  test("says where, on what and to whom, in lines that work when they are pasted", async () => {
    const server = await serve();
    const { stdout } = server.output;
    expect(stdout).toContain(`Synchro ${version} listens on ${server.url}\n`);
    expect(stdout).toContain(join(folder, "data"));
    expect(stdout).toContain(`${server.url}/docs`);
    expect(stdout).toMatch(/open mode.*anybody on this machine may read and write/);
    expect(stdout).not.toContain("\u001B");
    const lines = curlLines(stdout);
    expect(lines).toHaveLength(3);
    const answers: unknown[] = [];
    for (const line of lines) answers.push(JSON.parse(await shell(line)));
    const reading = {
      gtin: "test_4",
      updated_at: "2021-11-12T01:11:00Z",
      expiration_date: "2022-05-01T01:11:00Z",
    };
    expect(answers[0]).toMatchObject({ data: [] });
    expect(answers[1]).toMatchObject({ data: [reading] });
    expect(answers[2]).toMatchObject({
      results: [{ seq: 2 }],
      changes: [{ key: "test_4" }],
      more: false,
    });
    server.child.kill("SIGTERM");
    expect(await server.ended).toMatchObject({ code: 0, stderr: "" });
  });

  /** A request whose last byte is held back. */
  const halfRequest = (url: string) => {
    let finish = (): void => {};
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from('{"last_sync_date":"1970-01-01"'));
        finish = () => {
          controller.enqueue(Buffer.from("}"));
          controller.close();
        };
      },
    });
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      duplex: "half",
    } as RequestInit;
    return { answer: fetch(`${url}/v1/sync/`, init), finish: () => finish() };
  };

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s: finishes the request in flight, and says so in one line",
    async (signal) => {
      const server = await serve();
      const { answer, finish } = halfRequest(server.url);
      await sleep(200);
      const before = server.output.stdout.length;
      server.child.kill(signal);
      // npm passes on what the terminal has already sent: it is the same wish.
      await sleep(50);
      server.child.kill(signal);
      await sleep(200);
      expect(server.child.exitCode).toBeNull();
      await expect(fetch(`${server.url}/healthz`)).rejects.toThrow("fetch failed");
      finish();
      const response = await answer;
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ data: [] });
      const { code, stdout, stderr } = await server.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.slice(before)).toMatch(/^Stopping: [^\n]+\n$/);
    },
  );

  test("a second signal cuts off what it still waits for", async () => {
    const server = await serve();
    const { answer } = halfRequest(server.url);
    const cut = answer.then(
      () => "answered",
      () => "cut",
    );
    await sleep(200);
    server.child.kill("SIGINT");
    await sleep(700);
    server.child.kill("SIGINT");
    expect(await cut).toBe("cut");
    expect(await server.ended).toMatchObject({
      code: 1,
      stderr: "synchro: stopped with requests unfinished; their clients send them again\n",
    });
  });

  test("that can't write its database any more ends at once, with one line and 70", async () => {
    const preload = `
      import threads from "node:worker_threads";
      import { syncBuiltinESMExports } from "node:module";
      const { Worker } = threads;
      threads.Worker = class extends Worker {
        constructor(...parts) { super(...parts); setTimeout(() => this.terminate(), 1000); }
      };
      syncBuiltinESMExports();`;
    const import_ = `--import=data:text/javascript,${encodeURIComponent(preload)}`;
    const server = start(["serve", "--port", "0"], { NODE_OPTIONS: import_ });
    const { code, stdout, stderr } = await server.ended;
    expect({ code, isListening: stdout.includes("listens on") }).toEqual({
      code: 70,
      isListening: true,
    });
    expect(stderr).toMatch(/^synchro: the database can't be written any more \([^\n]+\n$/);
  });

  test("takes its settings from variables too, and its collections from a file", async () => {
    writeFileSync(
      join(folder, "synchro.config.ts"),
      `import { defineConfig } from ${JSON.stringify(join(import.meta.dirname, "../index.ts"))};
       export default defineConfig({ collections: { notes: { schema: { type: "object" }, history: true } } });`,
    );
    const environment = {
      SYNCHRO_PORT: "0",
      SYNCHRO_CONFIG: "synchro.config.ts",
      SYNCHRO_DATA: "elsewhere",
    };
    const server = start(["serve"], environment);
    while (!server.output.stdout.includes("Ctrl+C")) await sleep(20);
    const url = /listens on (\S+)\n/.exec(server.output.stdout)?.[1] ?? "";
    const response = await fetch(`${url}/v2/spaces/default/changes?collections=notes`);
    expect(response.status).toBe(200);
    expect(existsSync(join(folder, "elsewhere"))).toBe(true);
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);
  });
});
