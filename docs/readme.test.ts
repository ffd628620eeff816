import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConfig } from "../packages/server/src/config/load-config.ts";
import { readSettings, serveFlags } from "../packages/server/src/config/settings.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** The code blocks of a language, in order, without the indent of a list that they stand in. */
const blocks = (language: string): readonly string[] =>
  Array.from(
    readme.matchAll(new RegExp(String.raw`^( *)\`\`\`${language}\n([\s\S]*?)\n\1\`\`\`$`, "gm")),
    ([, indent = "", code = ""]) => code.replaceAll(`\n${indent}`, "\n").slice(indent.length),
  );

const shell = blocks("sh");

/** The one command of the README that the pattern matches. */
const commandLike = (pattern: RegExp): string => {
  const [command, ...others] = shell.filter((code) => pattern.test(code));
  if (command === undefined || others.length > 0) throw new Error(`not one command is ${pattern}`);
  return command;
};

let folder: string;
const servers: ChildProcess[] = [];

/** Ends a server and the npm and the shell around it: it leads a group of its own. */
const end = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const closed = once(server, "close");
  process.kill(-server.pid, "SIGTERM");
  await closed;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-readme-"));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await end(server);
  rmSync(folder, { recursive: true });
});

/** Starts a server with a command of npm; resolves with its URL, read from what it prints. */
const start = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const server = spawn("sh", ["-c", command], { cwd: root, detached: true, stdio: "pipe" });
    servers.push(server);
    let printed = "";
    const onText = (text: Buffer): void => {
      printed += stripVTControlCharacters(text.toString());
      const [, url] = /listens on (http:\/\/[\d.]+:\d+)\s/.exec(printed) ?? [];
      if (url !== undefined) resolve(url);
    };
    server.stdout.on("data", onText);
    server.stderr.on("data", onText);
    server.on("error", reject);
    server.on("close", () => reject(new Error(`the server ended:\n${printed}`)));
  });

const run = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile("sh", ["-c", command], { cwd: root }, (error, stdout, stderr) =>
      error ? reject(new Error(`${command}\n${stderr}`, { cause: error })) : resolve(stdout),
    );
  });

const masked = (text: string): unknown =>
  JSON.parse(text, (name, value: unknown) =>
    (name === "now" || name === "cursor") && typeof value === "string" ? `<${name}>` : value,
  );

/** Commands with the answers that the README shows under them. */
const exchanges = Array.from(
  readme.matchAll(/^```sh\n(curl[\s\S]*?)\n```\n[\s\S]*?^```json\n([\s\S]*?)\n```$/gm),
  ([, command = "", answer = ""]) => ({ command, answer }),
);

describe("the README", () => {
  test("has commands that a test below runs, and no others", () => {
    const known = [
      /^npm ci && npm start$/,
      /^npm ci$/,
      /^npm run migrate$/,
      /^npm start$/,
      /^npm test$/,
      /^curl [^\n]*POST 'http:\/\/127\.0\.0\.1:7100\/v1\/sync\/'/,
      /^curl [^\n]*GET 'http:\/\/127\.0\.0\.1:7100\/v1\/readings\/'$/,
      /^npm start -- --port 7200 --data \.\/other$/,
    ];
    expect(shell.map((code) => known.findIndex((pattern) => pattern.test(code)))).toEqual(
      known.map((_, index) => index),
    );
  });

  test("names as test command one that the workspace has", () => {
    expect(commandLike(/npm test/)).toBe("npm test");
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly scripts: { readonly [name: string]: string };
    };
    expect(scripts["test"]).toBe("vitest run");
  });
});

describe("its first 30 seconds", () => {
  test("need curl (Debian: apt-get install curl)", () => {
    expect(execFileSync("curl", ["--version"], { encoding: "utf8" })).toContain("curl");
  });

  test("go as it shows", async () => {
    // What tests run in is installed.
    const command = commandLike(/npm ci && npm start/).replace("npm ci && ", "");
    expect(command).toBe(commandLike(/^npm start$/));
    const url = await start(`${command} -- --port 0 --data '${folder}/data'`);
    expect(exchanges).toHaveLength(2);
    for (const { command: curl, answer } of exchanges) {
      const text = await run(
        curl.replace("http://127.0.0.1:7100", url).replace(/^curl/, "curl -sS"),
      );
      expect({ curl, answer: masked(text) }).toEqual({ curl, answer: masked(answer) });
    }
    expect(await (await fetch(`${url}/docs`)).text()).toContain("<html");
  });
});

describe("its other commands", () => {
  test("migrate makes a database that a server then runs on", async () => {
    const data = join(folder, "data");
    const told = await run(`${commandLike(/npm run migrate/)} -- --data '${data}'`);
    expect(told).toContain("is now at schema");
    expect(existsSync(join(data, "synchro.db"))).toBe(true);
    const url = await start(`npm start -- --port 0 --data '${data}'`);
    expect(masked(await run(`curl -sS ${url}/v1/readings/`))).toMatchObject({ data: [] });
  });

  test("the flags are passed on as it writes them", async () => {
    const command = commandLike(/--port 7200/);
    const url = await start(
      command.replace("7200", "0").replace("./other", `'${join(folder, "other")}'`),
    );
    expect(new URL(url).hostname).toBe("127.0.0.1");
    expect(existsSync(join(folder, "other/synchro.db"))).toBe(true);
  });
});

describe("its settings", () => {
  test("are all there are, with their variables and defaults", () => {
    const rows = Array.from(
      readme.matchAll(/^\| `--([\w-]+)` +\| `(\w+)` +\| (?:`([^`]+)`|none) +\|/gm),
      ([, flag = "", variable = "", preset = null]) => ({ flag, variable, preset }),
    );
    const settings = readSettings([], {});
    const { port, host, data, config, tokenNames, corsOrigins, logLevel } = settings;
    const overDatabase = readSettings(["--database", "postgres://x@127.0.0.1/x"], {}).database;
    const presets: { readonly [flag: string]: string | number | null | undefined } = {
      port,
      host,
      data,
      config,
      ...tokenNames,
      "pool-size": overDatabase?.connectionsMax,
      "cors-origin": corsOrigins[0],
      "drain-delay": settings.drainDelaySeconds,
      "log-level": logLevel,
    };
    expect(rows).toEqual(
      Object.entries(serveFlags).map(([flag, { variable }]) => {
        const preset = presets[flag] ?? null;
        return { flag, variable, preset: preset === null ? null : String(preset) };
      }),
    );
  });

  test("the configuration file is one that the server takes", () => {
    const [config = "", ...others] = blocks("ts");
    expect(others).toEqual([]);
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const file = join(folder, "synchro.config.ts");
    writeFileSync(file, config);
    const { registry, limits } = loadConfig(file);
    expect(limits.changesMax).toBe(1_000);
    const histories = [...registry.storedCollections].map(([name, { keepsHistory }]) => [
      name,
      keepsHistory,
    ]);
    expect(Object.fromEntries(histories)).toEqual({
      readings: true,
      batches: false,
      shelves: false,
    });
  });
});
