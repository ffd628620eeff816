import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestPool } from "../../testing/postgres/open-pool.ts";
import { postgresAccount } from "../../testing/postgres/postgres-program.ts";
import { startPostgres, type TestPostgres } from "../../testing/postgres/start-postgres.ts";
import type { TestDatabase } from "../../testing/postgres/test-database.ts";
import { selfSigned } from "../../testing/self-signed.ts";

let server: TestPostgres;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "synchro-tls-"));
  server = await startPostgres();
  const { cert, key } = selfSigned();
  const files = { cert: join(server.folder, "cert.pem"), key: join(server.folder, "key.pem") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  const account = postgresAccount();
  if (account !== null) chownSync(files.key, account.uid, account.gid);
  writeFileSync(join(folder, "ca.pem"), cert);
  await server.stop();
  await server.start({ ssl: "on", ssl_cert_file: files.cert, ssl_key_file: files.key });
  database = await server.createDatabase();
});

afterAll(async () => {
  await server.dispose();
  rmSync(folder, { recursive: true });
});

const isEncrypted = async (query: string): Promise<unknown> => {
  const pool = await openTestPool(`${database.appUrl}${query}`);
  const text = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
  const [row] = await pool.read({ space: "*" }, ({ read }) => read({ name: "ssl", text }));
  await pool.close();
  return row?.[0];
};

test("a certificate that nobody vouches for, or of another name, is refused", async () => {
  await expect(isEncrypted("?sslmode=require")).rejects.toThrow(/self-signed certificate/);
  await expect(isEncrypted("?sslmode=verify-full")).rejects.toThrow(/self-signed certificate/);
});

test("with its certificate, or without asking for one, the connection is encrypted", async () => {
  expect(await isEncrypted(`?sslmode=verify-full&sslrootcert=${folder}/ca.pem`)).toBe(true);
  expect(await isEncrypted(`?sslrootcert=${folder}/ca.pem`)).toBe(true);
  expect(await isEncrypted("?sslmode=no-verify")).toBe(true);
  expect(await isEncrypted("")).toBe(false);
});
