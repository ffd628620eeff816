import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { holdsPassword, isPostgresUrl, readDatabaseAddress } from "./database-address.ts";
import { passwordInFile } from "./password-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-address-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

const read = (url: string, environment = {}) =>
  readDatabaseAddress(url, { HOME: folder, ...environment });

describe("an address is refused, and its password stands in no refusal", () => {
  test.each([
    ["mysql://u:canary@h/d", /postgres:\/\/USER@HOST/],
    ["postgres://u:canary@h:port/d", /postgres:\/\/USER@HOST/],
    ["postgres://u:canary%@h/d", /must be written %25/],
    ["postgres://:canary@h/d", /names no user/],
    ["postgres://u:canary@h", /names no database/],
    ["postgres://u:canary@h:0/d", /names no database/],
    ["postgres://u@h/d?password=canary&sslmode=allow", /^sslmode is one of/],
    ["postgres://u@h/d?sslrootcert=none.pem&password=canary", /^can't read none\.pem$/],
    ["postgres://u@h/d?passfile=none&password=", /^can't read none$/],
    ["postgres://u@h/d?options=-c%20row_security=off", /^options is not a parameter/],
  ])("%s", (url, line) => {
    let message = "";
    try {
      read(url);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(line);
    expect(message).not.toContain("canary");
  });
});

describe("an address", () => {
  test.each([
    [
      "postgres://u:p@h:6432/d",
      { host: "h", port: 6432, user: "u", database: "d" },
      "postgres://h:6432/d",
    ],
    ["postgresql://u@[::1]/d", { host: "::1", port: 5432 }, "postgres://[::1]:5432/d"],
    ["POSTGRES://u@/d", { host: "localhost" }, "postgres://localhost:5432/d"],
    [
      "postgres://u@/d?host=/run/pg&port=6000",
      { host: "/run/pg", port: 6000 },
      "postgres:///run/pg/d",
    ],
    ["postgres://a%40b@h/d%2Fe", { user: "a@b", database: "d/e" }, "postgres://h:5432/d/e"],
  ])("%s", (url, parts, shown) => {
    expect(read(url)).toMatchObject({ ...parts, shown });
  });

  test("is one by its scheme, and holds a password or not", () => {
    expect(["postgres://a", "PostgreSQL://a"].every(isPostgresUrl)).toBe(true);
    expect(["./postgres", "http://a"].some(isPostgresUrl)).toBe(false);
    expect(holdsPassword("postgres://u:p@h/d")).toBe(true);
    expect(holdsPassword("postgres://u@/d?host=/x&password=p")).toBe(true);
    expect(holdsPassword("postgres://u@h/d?passfile=p")).toBe(false);
  });

  test("asks for TLS as its mode says, and holds the certificate against the name in all but one", () => {
    const pem = join(folder, "ca.pem");
    writeFileSync(pem, "CERTIFICATE");
    expect(read("postgres://u@h/d").tls).toBe(false);
    expect(read("postgres://u@h/d?sslmode=disable").tls).toBe(false);
    for (const mode of ["require", "verify-ca", "verify-full"]) {
      expect(read(`postgres://u@h/d?sslmode=${mode}`).tls).toEqual({ rejectUnauthorized: true });
    }
    expect(read("postgres://u@h/d?sslmode=no-verify").tls).toEqual({ rejectUnauthorized: false });
    expect(read(`postgres://u@h/d?sslrootcert=${pem}`).tls).toEqual({
      rejectUnauthorized: true,
      ca: "CERTIFICATE",
    });
  });
});

describe("a password", () => {
  const file = (name: string, text: string, mode = 0o600): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };

  test("is the address's own, else PGPASSWORD, else the file's; and there may be none", () => {
    const path = file(".pgpass", "h:5432:d:u:from file\n");
    const environment = { PGPASSWORD: "from variable" };
    expect(read("postgres://u:own@h/d", environment).password()).toBe("own");
    expect(read("postgres://u@h/d", environment).password()).toBe("from variable");
    expect(read("postgres://u@h/d").password()).toBe("from file");
    expect(read("postgres://u@other/d").password()).toBeNull();
    expect(read(`postgres://u@h/d?passfile=${path}`, environment).password()).toBe("from file");
  });

  test("is in no file that others can read", () => {
    file(".pgpass", "*:*:*:*:canary\n", 0o640);
    expect(() => read("postgres://u@h/d")).toThrow(/others can read it: chmod 600$/);
  });

  const place = { host: "h", port: 5432, database: "d", user: "u" };

  test.each([
    ["# h:5432:d:u:x\nh:5432:d:u:first\n*:*:*:*:second", "first"],
    ["h:5433:d:u:x\n*:5432:*:u:wild\r\n", "wild"],
    [String.raw`h:5432:d:u:a\:b\\c`, String.raw`a:b\c`],
    ["h:5432:d:u", null],
    ["h:5432:d:v:x", null],
    ["", null],
  ])("%j holds %j", (text, password) => {
    expect(passwordInFile(text, place)).toBe(password);
  });

  test("of a socket stands in the file as that of localhost", () => {
    expect(passwordInFile("localhost:*:*:*:x", { ...place, host: "/run/pg" })).toBe("x");
  });
});
