import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const door = join(import.meta.dirname, "synchro.mjs");

/** A package of its own around the door, so that the test decides what lies behind it. */
let room: string;

beforeEach(() => {
  room = mkdtempSync(join(tmpdir(), "synchro-door-"));
  mkdirSync(join(room, "bin"));
  cpSync(door, join(room, "bin/synchro.mjs"));
});

afterEach(() => rmSync(room, { recursive: true }));

function put(path: string, content: string): void {
  mkdirSync(dirname(join(room, path)), { recursive: true });
  writeFileSync(join(room, path), content);
}

function putCore(): void {
  const exports = { ".": { source: "./src/index.ts", default: "./dist/index.js" } };
  put("node_modules/@synchro/core/package.json", JSON.stringify({ type: "module", exports }));
}

interface Run {
  /** What the program takes its Node for; the real one where absent. */
  readonly pretendedNode?: string;
  readonly conditions?: readonly string[];
}

function run({ pretendedNode, conditions = [] }: Run) {
  const preload = `Object.defineProperty(process, "versions", {
    value: { ...process.versions, node: ${JSON.stringify(pretendedNode)} } })`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...conditions.map((condition) => `--conditions=${condition}`),
      ...(pretendedNode === undefined ? [] : ["--import", `data:text/javascript,${preload}`]),
      join(room, "bin/synchro.mjs"),
      "serve",
    ],
    { encoding: "utf8", env },
  );
  return { status, stdout, stderr };
}

describe("a Node that is too old", () => {
  test.each(["12.22.12", "20.20.2", "23.11.1", "24.8.0"])(
    "%s gets one clear line",
    (pretendedNode) => {
      put("dist/cli/main.js", `console.log("opened");`);
      const needs = `synchro needs Node 24.9 or newer; this is Node ${pretendedNode}. `;
      expect(run({ pretendedNode })).toEqual({
        status: 1,
        stdout: "",
        stderr: `${needs}Install a newer Node.\n`,
      });
      put("src/cli/main.ts", `console.log("opened");`);
      expect(run({ pretendedNode })).toEqual({
        status: 1,
        stdout: "",
        stderr:
          `${needs}Run "npm ci" (it brings its own) and start with "npm start", ` +
          "or install a newer Node.\n",
      });
    },
  );

  test.each(["24.9.0", "24.10.0", "25.0.0", "100.1.0"])("%s is not one", (pretendedNode) => {
    put("dist/cli/main.js", `console.log("opened");`);
    expect(run({ pretendedNode })).toEqual({ status: 0, stdout: "opened\n", stderr: "" });
  });
});

describe("behind the door", () => {
  test("a checkout whose source condition is missing gets one clear line", () => {
    putCore();
    put("src/cli/main.ts", `console.log("source");`);
    expect(run({})).toEqual({
      status: 1,
      stdout: "",
      stderr: 'synchro: in a checkout, start with "npm start" or "npm run synchro -- <command>".\n',
    });
  });

  test("stands the source, in a checkout", () => {
    putCore();
    put(
      "src/cli/main.ts",
      `const command: string | undefined = process.argv[2]; console.log(command);`,
    );
    put("dist/cli/main.js", `console.log("compiled");`);
    expect(run({ conditions: ["source"] })).toEqual({ status: 0, stdout: "serve\n", stderr: "" });
  });

  test("stands the compiled program, in an installed package", () => {
    put("dist/cli/main.js", `console.log(process.argv[2]);`);
    expect(run({})).toEqual({ status: 0, stdout: "serve\n", stderr: "" });
  });

  test("an error is not swallowed", () => {
    put("dist/cli/main.js", `throw new Error("no such luck");`);
    const { status, stderr } = run({});
    expect(status).toBe(1);
    expect(stderr).toContain("no such luck");
  });
});
