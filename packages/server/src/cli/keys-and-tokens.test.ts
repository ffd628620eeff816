import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edKey, hmacKey, keyFile } from "../../testing/access-fixture.ts";
import { migrateDatabase } from "../compose.ts";
import { openControl } from "../compose-control.ts";
import { runCommandLine } from "./run-command-line.ts";

let folder: string;
let keys: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-tokens-"));
  keys = join(folder, "keys.json");
  data = join(folder, "data");
});
afterEach(() => rmSync(folder, { recursive: true }));

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

const run = async (
  args: readonly string[],
  of: { readonly input?: string; readonly environment?: { readonly [name: string]: string } } = {},
): Promise<Ran> => {
  let stdout = "";
  let stderr = "";
  const code = await runCommandLine(args, {
    environment: { SYNCHRO_DATA: data, ...of.environment },
    hasColors: false,
    print: (text) => {
      stdout += text;
    },
    complain: (line) => {
      stderr += `${line}\n`;
    },
    input: async function* () {
      yield new TextEncoder().encode(of.input ?? "");
    },
    write: async () => {},
    draw: null,
  });
  return { code, stdout, stderr };
};

const withKeys = (...args: readonly string[]): Promise<Ran> => run([...args, "--keys", keys]);

const mint = async (...flags: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await withKeys("token", ...flags);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
};

const auditAt = async () => {
  const control = await openControl({ kind: "folder", folder: data });
  const entries = await control.listAudit({ space: null, before: null, limit: 100 });
  await control.close();
  return entries;
};

const idsOf = (): readonly string[] =>
  (JSON.parse(readFileSync(keys, "utf8")) as { keys: readonly { kid: string }[] }).keys.map(
    ({ kid }) => kid,
  );

describe("[TOKEN-4] key", () => {
  test.each([
    [["key", "new"], 2, "--keys is missing"],
    [["key", "list"], 2, "--keys is missing"],
    [
      ["key", "drop", "--keys", "k"],
      2,
      "KID is missing (the key's id, as synchro key list tells it): see synchro key drop --help",
    ],
    [
      ["key", "new", "--keys", "k", "--alg", "RS256"],
      2,
      '--alg must be one of EdDSA, HS256, not "RS256"',
    ],
    [
      ["key", "list", "--keys", "/nowhere/k"],
      1,
      "/nowhere/k: can't be read: there is no such file: make one with synchro key new",
    ],
    [["key", "new", "--keys", "/nowhere/k"], 1, "/nowhere/k.new: can't be written (ENOENT)"],
  ])("%j is refused", async (args, code, line) => {
    expect(await run(args)).toEqual({ code, stdout: "", stderr: `${line}\n` });
  });

  test("new makes a file that only its owner reads, and puts the next one first", async () => {
    const first = await withKeys("key", "new");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    if (process.platform !== "win32") expect(statSync(keys).mode & 0o777).toBe(0o600);
    const second = await withKeys("key", "new", "--alg", "HS256");
    expect(second.stdout).toMatch(/^Key \S+ \(HS256\) now signs; .*\nThe older key still checks/);
    const [newest = "", oldest = ""] = idsOf();
    expect(second.stdout).toContain(newest);
    expect(first.stdout).toContain(oldest);
    expect(existsSync(`${keys}.new`)).toBe(false);
    const listed = await withKeys("key", "list");
    expect(listed.stdout).toBe(`${newest}  HS256  signs and checks\n${oldest}  EdDSA  checks\n`);
  });

  test("new leaves a file alone that it does not understand, or that another changes now", async () => {
    writeFileSync(keys, '{"keys":[{"kid":"a"}]}', { mode: 0o600 });
    expect((await withKeys("key", "new")).stderr).toContain("keys[0].kty must be OKP or oct");
    expect(readFileSync(keys, "utf8")).toBe('{"keys":[{"kid":"a"}]}');
    rmSync(keys);
    writeFileSync(`${keys}.new`, "");
    expect((await withKeys("key", "new")).stderr).toContain("another command changes the keys");
    expect(existsSync(keys)).toBe(false);
  });

  test("new keeps what it does not know of a file, and its mode", async () => {
    const text = JSON.stringify({ note: "ours", keys: [{ ...edKey("a"), use: "sig" }] });
    writeFileSync(keys, text, { mode: 0o640 });
    await withKeys("key", "new");
    const after = JSON.parse(readFileSync(keys, "utf8")) as { note: string; keys: unknown[] };
    expect(after.note).toBe("ours");
    expect(after.keys[1]).toMatchObject({ kid: "a", use: "sig" });
    if (process.platform !== "win32") expect(statSync(keys).mode & 0o777).toBe(0o640);
  });

  test("drop takes one out, and never the only one", async () => {
    writeFileSync(keys, keyFile(edKey("new"), edKey("old")), { mode: 0o600 });
    expect((await withKeys("key", "drop", "odl")).stderr).toContain("did you mean old?");
    expect((await withKeys("key", "drop", "old")).code).toBe(0);
    expect(idsOf()).toEqual(["new"]);
    expect((await withKeys("key", "drop", "new")).stderr).toContain("is the only key of");
    expect(idsOf()).toEqual(["new"]);
  });
});

describe("[TOKEN-7] token", () => {
  beforeEach(() => {
    writeFileSync(keys, keyFile(edKey("a"), hmacKey("b")), { mode: 0o600 });
  });

  test.each([
    [[], "--space is missing: --space SPACE=LEVEL, once or more"],
    [["--space", "a"], "--subject is missing"],
    [
      ["--space", "A=read", "--subject", "x"],
      '--space must be the id of a space, [a-z0-9][a-z0-9._-]{0,62}, not "A"',
    ],
    [
      ["--space", "a=rw", "--subject", "x"],
      '--space a= must be one of read, write, admin, not "rw"',
    ],
    [["--space", "a", "--space", "a=read", "--subject", "x"], "--space names a twice"],
    [
      ["--space", "*", "--subject", "x"],
      "--space * is every space there is and will be: say --yes-every-space too if you mean it",
    ],
    [
      ["--space", "a", "--subject", "x", "--expires", "9999d"],
      "--expires must be at most 3650d: a token can't be changed once it is out",
    ],
    [
      ["--space", "a", "--subject", "a\nb"],
      "--subject must be at most 128 characters, none of them a control character",
    ],
  ])("%j is refused", async (flags, line) => {
    expect(await withKeys("token", ...flags)).toEqual({ code: 2, stdout: "", stderr: `${line}\n` });
  });

  test("stands alone on stdout; its id is told on stderr and noted in the log", async () => {
    migrateDatabase(data);
    const flags = ["--space", "malmo-1=write", "--subject", "ann", "--expires", "2h"];
    const { code, stdout, stderr } = await withKeys("token", ...flags);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const [, id] = /^token (t_[0-9a-f]{32}) of ann is good until \S+Z\n$/.exec(stderr) ?? [];
    expect(await auditAt()).toMatchObject([
      {
        action: "token.mint",
        target: id,
        space: "malmo-1",
        actor: expect.stringMatching(/^cli:.+@.+$/),
        detail: { subject: "ann", spaces: "malmo-1:write" },
      },
    ]);
    expect(JSON.stringify(await auditAt())).not.toContain(stdout.trim().split(".")[2]);
  });

  test("makes no data where there is none, and needs a key that can sign", async () => {
    await mint("--space", "a", "--subject", "ann");
    expect(existsSync(data)).toBe(false);
    const { d: _, ...shown } = edKey("public");
    writeFileSync(keys, keyFile(shown), { mode: 0o600 });
    const { code, stderr } = await withKeys("token", "--space", "a", "--subject", "ann");
    expect(code).toBe(1);
    expect(stderr).toBe("no key has its private part: make one with synchro key new\n");
  });

  test("takes its keys from the environment too", async () => {
    const environment = { SYNCHRO_KEYS_JSON: readFileSync(keys, "utf8") };
    const ran = await run(["token", "--space", "a", "--subject", "ann"], { environment });
    expect(ran.code).toBe(0);
  });
});

describe("[TOKEN-7] token show", () => {
  let token: string;
  beforeEach(async () => {
    writeFileSync(keys, keyFile(edKey("a")), { mode: 0o600 });
    token = await mint("--space", "malmo-1=write", "--space", "lund", "--subject", "ann");
  });
  const show = (input: string, ...flags: readonly string[]): Promise<Ran> =>
    run(["token", "show", "--keys", keys, ...flags], { input });

  test("says first whether a server would take it, and ends with 0 only then", async () => {
    const { code, stdout } = await show(`${token}\n`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^VALID, signed by a; whether it was revoked is not known/);
    expect(stdout).toMatch(/\n {2}spaces +lund:read malmo-1:write\n/);
  });

  test.each([
    ["a false signature", (text: string) => text.slice(0, -4) + "AAAA", /^REFUSED: its signature/],
    ["another audience", (text: string) => text, /^REFUSED: it is for another audience/],
  ])("%s is said, and is no success", async (name, alter, line) => {
    const flags = name === "another audience" ? ["--audience", "others"] : [];
    const { code, stdout } = await show(alter(token), ...flags);
    expect(code).toBe(1);
    expect(stdout).toMatch(line);
  });

  test("an unknown key, and a token that was revoked", async () => {
    migrateDatabase(data);
    expect((await show(token)).stdout).toMatch(/^VALID, signed by a\n/);
    expect((await run(["token", "revoke", "-"], { input: token })).code).toBe(0);
    expect(await show(token)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^REVOKED\n/),
    });
    writeFileSync(keys, keyFile(edKey("b")), { mode: 0o600 });
    expect((await show(token)).stdout).toMatch(/^REFUSED: it names a key that is not among these/);
  });

  test("nothing, or something else, on stdin", async () => {
    for (const input of ["", "x", "a.b", `${token} ${token}`, "x".repeat(100_000)]) {
      const { code, stderr } = await show(input);
      expect(code).toBe(1);
      expect(stderr).toBe("standard input holds no token: three parts with dots between\n");
    }
  });

  test("a token as an argument is refused, and not repeated", async () => {
    for (const args of [
      ["token", "show", token, "--keys", keys],
      ["token", "revoke", token],
    ]) {
      const { code, stderr, stdout } = await run(args);
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain(token.slice(0, 30));
    }
  });
});

describe("[TOKEN-9] token revoke", () => {
  test("needs data to write it down in", async () => {
    expect(await run(["token", "revoke", "t_1"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `there is no server's data in ${data}: name it with --data\n`,
    });
    expect(existsSync(data)).toBe(false);
  });

  test("by id, or by the token on stdin, without its keys", async () => {
    migrateDatabase(data);
    writeFileSync(keys, keyFile(edKey("a")), { mode: 0o600 });
    const token = await mint("--space", "a", "--subject", "ann");
    rmSync(keys);
    expect((await run(["token", "revoke", "t_1"])).stdout).toContain("Token t_1 is revoked");
    expect((await run(["token", "revoke", "-"], { input: token })).code).toBe(0);
    const control = await openControl({ kind: "folder", folder: data });
    const { revokedTokens } = await control.readAccess();
    await control.close();
    expect(revokedTokens.size).toBe(2);
    expect((await auditAt()).map(({ action }) => action)).toEqual([
      "token.revoke",
      "token.revoke",
      "token.mint",
    ]);
  });
});
