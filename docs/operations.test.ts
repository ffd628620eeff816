import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands } from "../packages/server/src/cli/commands.ts";
import { exitCodes } from "../packages/server/src/cli/exit-code.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(import.meta.dirname, "operations.md"), "utf8");

/** A command of the page, with the output that it shows for it, if it shows one. */
type Step = { readonly command: string; readonly output: string | null };

const steps: readonly Step[] = Array.from(
  page.matchAll(/^```sh\n([\s\S]*?)\n```\n(?:\n```text\n([\s\S]*?\n)```\n)?/gm),
  ([, command = "", output = null]) => ({ command, output }),
);

let folder: string;
let server: ChildProcess | null = null;
let url = "";

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "synchro-operations-page-")));
  // The program as the package brings it, by its name.
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const door = join(root, "packages/server/bin/synchro.mjs");
  writeFileSync(
    join(bin, "synchro"),
    `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${door}' "$@"\n`,
  );
  chmodSync(join(bin, "synchro"), 0o755);
  mkdirSync(join(folder, "work"));
});

const stop = async (): Promise<void> => {
  if (server === null) return;
  const closed = once(server, "close");
  server.kill("SIGTERM");
  const [code] = (await closed) as [number];
  server = null;
  expect(code).toBe(0);
};

afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const options = () => ({
  cwd: join(folder, "work"),
  env: { PATH: `${join(folder, "bin")}${delimiter}${process.env["PATH"] ?? ""}`, HOME: folder },
});

const serve = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    // `exec`: the signal goes to the program and not to a shell around it.
    const child = spawn("sh", ["-c", `exec ${command} --port 0`], options());
    server = child;
    let printed = "";
    const onText = (text: Buffer): void => {
      printed += text.toString();
      const found = /listens on (\S+)\n/.exec(printed)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", onText);
    child.stderr.on("data", onText);
    child.on("close", () => reject(new Error(`the server ended:\n${printed}`)));
  });

const run = (command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile("sh", ["-c", command], options(), (error, stdout, stderr) =>
      error === null
        ? resolve(stdout)
        : reject(new Error(`${command}\n${stdout}${stderr}`, { cause: error })),
    );
  });

/** A text without what differs from run to run: paths, times, sizes, names drawn at random. */
const masked = (text: string): string =>
  text
    .replaceAll(join(folder, "work"), "/srv/synchro")
    .replaceAll(url === "" ? "\0" : url, "http://127.0.0.1:7100")
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, "<time>")
    .replaceAll(/\d{8}T\d{6}\.\d+Z/g, "<time>")
    .replaceAll(/[0-9a-f]{20}(?:f\d+)?/g, "<epoch>")
    .replaceAll(/\d+(?:\.\d)? (?:B|KiB|MiB|GiB|TiB)/g, "<size>")
    .replaceAll(/Node [\d.]+/g, "Node <version>")
    .replaceAll(/Synchro [\d.]+/g, "Synchro <version>")
    .replaceAll(/\d+ s (?:behind|ahead of)/g, "<apart>")
    // Columns are as wide as what stands in them.
    .replaceAll(/ {2,}/g, "  ");

const runStep = async ({ command, output }: Step): Promise<void> => {
  if (command === "# stop the server") return stop();
  if (command.startsWith("synchro serve")) {
    url = await serve(command);
    return;
  }
  const told = await run(command.replaceAll("http://127.0.0.1:7100", url));
  if (output !== null) expect(masked(told)).toBe(masked(output));
};

describe("the page on operations", () => {
  test("has commands to run", () => {
    expect(steps.length).toBeGreaterThan(20);
    expect(steps.filter(({ output }) => output !== null).length).toBeGreaterThan(8);
  });

  // One after another, as it says: each stands on what those before it have left.
  test.each(steps)("$command", { timeout: 60_000 }, async (step) => {
    await expect(runStep(step)).resolves.toBeUndefined();
  });

  test("ends with what it promised on the way", () => {
    expect(existsSync(join(folder, "work/backups/monday/manifest.json"))).toBe(true);
  });

  test("names no command that there is not", () => {
    const named = Array.from(page.matchAll(/`synchro ([a-z]+)(?:[ \n]([a-z]+))?/g), ([, a, b]) => [
      `${a} ${b}`,
      a ?? "",
    ]);
    const unknown = named.filter((names) => !names.some((name) => Object.hasOwn(commands, name)));
    expect(unknown).toEqual([]);
  });

  test("has the exit codes that there are", () => {
    const rows = Array.from(page.matchAll(/^\| (\d+) +\| (.+?) +\|$/gm), ([, code]) =>
      Number(code),
    );
    expect(rows).toEqual(Object.values(exitCodes).map(({ code }) => code));
  });

  test("names metrics that a server has", async () => {
    if (server === null) url = await serve("synchro serve --data ./data");
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const named = Array.from(page.matchAll(/^\| `([a-z_]+)` +\|/gm), ([, name = ""]) => name);
    const watched = named.filter((name) => name.includes("_"));
    expect(watched.length).toBeGreaterThan(5);
    expect(watched.filter((name) => !metrics.includes(`# TYPE ${name} `))).toEqual([]);
  });
});
