import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startTestServer } from "../packages/server/testing/start-test-server.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(import.meta.dirname, "client.md"), "utf8");

test("the quick start runs as it stands, in as many lines as it says", async () => {
  const [, program = ""] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  const lines = program.split("\n").filter((line) => line.trim() !== "");
  expect(lines).toHaveLength(15);
  const folder = mkdtempSync(join(tmpdir(), "synchro-quick-start-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "start.ts"), program);
  const server = await startTestServer();
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ["--conditions=source", "start.ts"],
      { cwd: folder, env: { ...process.env, SYNCHRO_URL: server.url } },
    );
    expect(stderr).toBe("");
    expect(stdout).toContain("gtin: '7311041048955'");
    const response = await fetch(`${server.url}/v1/readings/?shop=malmo-1`);
    expect(await response.json()).toMatchObject({ data: [{ gtin: "7311041048955" }] });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
