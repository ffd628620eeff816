import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeGround } from "./ground.ts";
import { sharedPostgres } from "./shared-postgres.ts";
import { startPostgres, type TestPostgres } from "./start-postgres.ts";
import { runSql, type TestDatabase } from "./test-database.ts";

describe("the shared server", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await (await sharedPostgres()).createDatabase();
  });

  afterAll(() => database.drop());

  test("lets in both roles with their password, neither of them above the policies", async () => {
    for (const url of [database.ownerUrl, database.appUrl]) {
      const rows = await runSql(url, [
        "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user",
      ]);
      expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false }]);
      const wrong = url.replace(/:[^:@]+@/, ":wrong@");
      await expect(runSql(wrong, ["SELECT 1"])).rejects.toThrow("password authentication failed");
    }
  });

  test("gives each a database of its own", async () => {
    const other = await (await sharedPostgres()).createDatabase();
    await database.sql("CREATE TABLE mine (a int)");
    await expect(other.sql("TABLE mine")).rejects.toThrow("does not exist");
    await other.drop();
    await other.drop();
    await expect(other.sql("SELECT 1")).rejects.toThrow("does not exist");
  });
});

test("a server ends with the process that started it, however that ends", async () => {
  const program = `
    import { startPostgres } from "${new URL("./start-postgres.ts", import.meta.url).href}";
    const server = await startPostgres();
    process.stdout.write(server.pid() + "\\n" + server.folder + "\\n");
    setInterval(() => {}, 1000);`;
  const args = ["--conditions=source", "--input-type=module", "-e", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  await expect.poll(() => said, { timeout: 25_000 }).toMatch(/\n.*\n$/);
  const [pid = "", folder = ""] = said.split("\n");
  child.kill("SIGKILL");
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
  // Whoever makes a server next tidies up, here or in another process.
  makeGround().remove();
  expect(existsSync(folder)).toBe(false);
}, 60_000);

describe("a server of one's own", () => {
  let server: TestPostgres;

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(() => server.dispose());

  test("is there again after a kill, with what was committed", async () => {
    await server.sql("CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (1)");
    const before = server.pid();
    await server.stop("kill");
    await expect(server.sql("TABLE kept")).rejects.toThrow(/ECONNREFUSED|ENOENT/);
    await server.start();
    expect(server.pid()).not.toBe(before);
    expect(await server.sql("TABLE kept")).toEqual([{ a: 1 }]);
  });

  test("takes settings", async () => {
    await server.stop();
    await server.start({ max_connections: 17 });
    expect(await server.sql("SHOW max_connections")).toEqual([{ max_connections: "17" }]);
  });
});
