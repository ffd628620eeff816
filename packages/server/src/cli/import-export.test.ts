import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Ended, startCli, startServerProcess } from "./cli-process.fixture.ts";
import { runCommandLine } from "./run-command-line.ts";

let folder: string;
const closers: (() => Promise<void>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-transfer-"));
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (args: readonly string[], environment = {}, input: string | null = "") =>
  startCli(args, { cwd: folder, environment, input });

const run = (...args: readonly string[]): Promise<Ended> => start(args).ended;

/** The same in this process and in the folder: for what ends before it has begun. */
const runHere = async (args: readonly string[]): Promise<Ended> => {
  const output = { stdout: "", stderr: "" };
  const here = process.cwd();
  process.chdir(folder);
  try {
    const code = await runCommandLine(args, {
      environment: {},
      hasColors: false,
      print: (text) => void (output.stdout += text),
      complain: (line) => void (output.stderr += `synchro: ${line}\n`),
      input: async function* () {},
      write: () => Promise.reject(new Error("nothing is written")),
      draw: null,
    });
    return { ...output, code };
  } finally {
    process.chdir(here);
  }
};

const serve = async (...args: readonly string[]) => {
  const server = await startServerProcess(args, { cwd: folder });
  closers.push(server.stop);
  return server;
};

const put = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return name;
};

const read = (name: string): string => readFileSync(join(folder, name), "utf8");

const lines = (text: string): readonly { readonly [member: string]: unknown }[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly [member: string]: unknown });

const reading = (index: number, more = {}) => ({
  key: String(4_000_000_000_000 + index),
  updated_at: "2026-10-01T10:00:00Z",
  value: { expiration_date: "2026-12-01", quantity: index },
  ...more,
});

const ndjson = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");

const readings = (count: number) => Array.from({ length: count }, (_, index) => reading(index));

const digestOf = async (url: string, space: string) => {
  const response = await fetch(`${url}/v2/spaces/${space}/changes?collections=readings`, {
    headers: { accept: "application/x-ndjson" },
  });
  return lines(await response.text()).at(-1)?.["digest"];
};

describe("what can't be done is one line on stderr, with an exit code", () => {
  test.each([
    [["import", "a.ndjson"], 2, "synchro: --space is missing"],
    [["import", "--space", "s"], 2, "synchro: FILE is missing (what to import; - is stdin)"],
    [["import", "--space", "S", "a.ndjson"], 2, /^synchro: --space must be the id of a space, /],
    [
      ["import", "--space", "s", "--from-django", "x", "a.ndjson"],
      2,
      "synchro: --from-django and FILE exclude each other",
    ],
    [
      ["import", "--space", "s", "--format", "xml", "a.ndjson"],
      2,
      'synchro: --format must be one of ndjson, csv, not "xml"',
    ],
    [
      ["import", "--space", "s", "--updated-at", "now", "a.ndjson"],
      2,
      /^synchro: --updated-at must be a date and time such as 2026-11-24T10:00:00Z, not "now"$/,
    ],
    [
      ["import", "--space", "s", "--url", "ftp://x", "a.ndjson"],
      2,
      "synchro: --url must be the address of a server, such as http://127.0.0.1:7100",
    ],
    [
      ["import", "--space", "s", "--url", "http://me:secret@x", "a.ndjson"],
      2,
      /^synchro: --url must not hold a name or a password: (?!.*secret)/,
    ],
    [
      ["import", "--space", "s", "--url", "http://x", "--data", "d", "a.ndjson"],
      2,
      "synchro: --data and --url exclude each other",
    ],
    [
      ["import", "--space", "s", "--token", "t", "a.ndjson"],
      2,
      /^synchro: --token is not a flag of import: /,
    ],
    [
      ["import", "--space", "s", "none.csv"],
      1,
      "synchro: none.csv: can't be read: there is no such file",
    ],
    [["import", "--space", "s", "."], 1, "synchro: .: is a folder"],
    [
      ["import", "--space", "s", "--collection", "notes", "a.csv"],
      1,
      "synchro: notes is not declared here: name its configuration with --config",
    ],
    [
      ["import", "--space", "s", "--url", "http://127.0.0.1:7100", "--token-file", "none", "a.csv"],
      1,
      /^synchro: none: the token can't be read: /,
    ],
    [["export"], 2, "synchro: --space is missing"],
    [
      ["export", "--space", "s"],
      1,
      /^synchro: there is no database in \S+\/data: name its folder with --data$/,
    ],
    [
      ["export", "--space", "s", "--format", "csv", "--collection", "a", "--collection", "b"],
      2,
      /^synchro: --format csv takes one --collection/,
    ],
  ])("%j", async (args, code, line) => {
    put("a.ndjson", ndjson([reading(1)]));
    put("a.csv", "key,expiration_date\na,2026-12-01\n");
    const ended = await runHere(args);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
    expect(ended.stderr).toMatch(/^[^\n]+\n$/);
    expect(ended.stderr.trimEnd()).toMatch(
      typeof line === "string" ? new RegExp(`^${RegExp.escape(line)}$`) : line,
    );
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  test("data that a server has open takes no import, and says how it goes", async () => {
    put("a.ndjson", ndjson([reading(1)]));
    await serve();
    expect(await run("import", "--space", "s", "a.ndjson")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "synchro: the data is open in another process: go through it with --url, or stop it first\n",
    });
  });

  test("a space or a collection that the data does not hold", async () => {
    put("a.ndjson", ndjson([reading(1)]));
    await run("import", "--space", "shop-1", "a.ndjson");
    const space = await run("export", "--space", "shop-2");
    expect(space.stderr).toMatch(/shop-2 is not a space of the data in \S+: did you mean shop-1\?/);
    const collection = await run("export", "--space", "shop-1", "--collection", "reading");
    expect(collection).toMatchObject({
      code: 1,
      stderr: "synchro: reading is not a collection of shop-1: did you mean readings?\n",
    });
  });

  test("an export that fails leaves nothing, and what stood there stays", async () => {
    put("a.ndjson", ndjson([reading(1)]));
    await run("import", "--space", "s", "a.ndjson");
    put("old.csv", "old");
    for (const args of [
      ["old.csv", "--collection", "reading"],
      ["none/a.csv"],
      ["."],
      ["/dev/null"],
    ]) {
      expect(await run("export", "--space", "s", ...args)).toMatchObject({ code: 1, stdout: "" });
    }
    expect(read("old.csv")).toBe("old");
    expect(readdirSync(folder).toSorted()).toEqual(["a.ndjson", "data", "old.csv"]);
  });
});

describe("rows that are rejected", () => {
  const bad = ndjson([
    reading(1),
    reading(2, { value: {} }),
    reading(3, { updated_at: "2999-01-01T00:00:00Z" }),
    reading(4, { collection: "nothing" }),
  ]);

  test.each(["data", "server"])("are listed and block no other (%s)", async (place) => {
    put("a.ndjson", `${bad}{"key":\n${ndjson([reading(5)])}`);
    const flags = place === "data" ? [] : ["--url", (await serve()).url];
    const ended = await run("import", "--space", "s", ...flags, "a.ndjson");
    expect(ended).toEqual({
      code: 1,
      stdout:
        "imported 6 rows into s: 2 applied, 0 unchanged, 0 superseded, 4 rejected (a.ndjson.rejected.ndjson)\n",
      stderr: expect.stringMatching(/^synchro: a\.ndjson: line \d was rejected first: [^\n]+\n$/),
    });
    const rejected = lines(read("a.ndjson.rejected.ndjson"));
    expect(rejected.toSorted((a, b) => Number(a["line"]) - Number(b["line"]))).toEqual([
      {
        line: 2,
        key: "4000000000002",
        code: "schema_mismatch",
        message: "expiration_date is required",
        path: "/value/expiration_date",
      },
      {
        line: 3,
        key: "4000000000003",
        code: "stamp_ahead",
        message: expect.stringMatching(/; its clock ran ahead: mend updated_at/),
        path: "/updated_at",
      },
      {
        line: 4,
        key: "4000000000004",
        code: "unknown_collection",
        message: expect.stringContaining("not declared"),
        path: "/collection",
      },
      { line: 5, key: null, code: "bad_json", message: "the line is not JSON", path: "" },
    ]);
  });

  test("the list of an earlier run is gone once nothing is rejected", async () => {
    put("a.csv", "key,expiration_date\na,soon\n");
    expect(await run("import", "--space", "s", "a.csv", "--rejected", "no.ndjson")).toMatchObject({
      code: 1,
    });
    expect(lines(read("no.ndjson"))).toMatchObject([{ line: 2, code: "schema_mismatch" }]);
    put("a.csv", "key,expiration_date\na,2026-12-01\n");
    expect(await run("import", "--space", "s", "a.csv", "--rejected", "no.ndjson")).toMatchObject({
      code: 0,
    });
    expect(existsSync(join(folder, "no.ndjson"))).toBe(false);
  });

  test("--dry-run only looks", async () => {
    put("a.ndjson", bad);
    expect(await run("import", "--space", "s", "--dry-run", "a.ndjson")).toMatchObject({
      code: 1,
      stdout:
        "checked 4 rows, nothing was written: 2 can be taken, 2 rejected (a.ndjson.rejected.ndjson)\n",
    });
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  test("a file that breaks off keeps what came before", async () => {
    put("a.csv", 'key,expiration_date\na,2026-12-01\nb,2026-12-01\nc,"2026-12-01\n');
    expect(await run("import", "--space", "s", "a.csv")).toEqual({
      code: 1,
      stdout: "imported 2 rows into s: 2 applied, 0 unchanged, 0 superseded, 0 rejected\n",
      stderr: "synchro: a.csv: line 4: a quoted cell is not closed before the end\n",
    });
  });
});

describe("an import", () => {
  test.each(["data", "server"])(
    "twice is once; older rows lose, newer ones win (%s)",
    async (place) => {
      const flags = place === "data" ? [] : ["--url", (await serve()).url];
      const import_ = (file: string) => run("import", "--space", "s", ...flags, file);
      put("a.ndjson", ndjson(readings(1200)));
      expect((await import_("a.ndjson")).stdout).toBe(
        "imported 1,200 rows into s: 1,200 applied, 0 unchanged, 0 superseded, 0 rejected\n",
      );
      expect((await import_("a.ndjson")).stdout).toBe(
        "imported 1,200 rows into s: 0 applied, 1,200 unchanged, 0 superseded, 0 rejected\n",
      );
      const value = { expiration_date: "2026-12-31" };
      put(
        "b.ndjson",
        ndjson([
          reading(0, { updated_at: "2026-09-01T00:00:00Z", value }),
          reading(1, { updated_at: "2026-11-01T00:00:00Z", value }),
          reading(1, { updated_at: "2026-11-01T00:00:00Z", value }),
          reading(1, { updated_at: "2026-10-20T00:00:00Z", value }),
          reading(2),
          reading(9999),
        ]),
      );
      expect((await import_("b.ndjson")).stdout).toBe(
        "imported 6 rows into s: 2 applied, 2 unchanged, 2 superseded, 0 rejected\n",
      );
    },
  );

  test("rows without updated_at are of one moment, which --updated-at may name", async () => {
    put("a.csv", "key,expiration_date\na,2026-12-01\nb,2026-12-01\n");
    const at = ["--updated-at", "2026-11-01 12:00+02:00"];
    await run("import", "--space", "s", "a.csv", ...at);
    expect((await run("import", "--space", "s", "a.csv", ...at)).stdout).toContain("2 unchanged");
    const { stdout } = await run("export", "--space", "s");
    expect(lines(stdout).map((each) => each["updated_at"])).toEqual([
      "2026-11-01T10:00:00Z",
      "2026-11-01T10:00:00Z",
    ]);
    await run("import", "--space", "t", "a.csv");
    const other = await run("export", "--space", "t");
    expect(new Set(lines(other.stdout).map((each) => each["updated_at"])).size).toBe(1);
  });

  test("reads stdin", async () => {
    const args = ["import", "--space", "s", "--format", "csv", "-"];
    const ended = await start(args, {}, "gtin,expiration_date\n1,2026-12-01\n").ended;
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("1 applied");
    expect(existsSync(join(folder, "import.rejected.ndjson"))).toBe(false);
  });

  test("of a collection that a configuration declares, typed by its schema", async () => {
    put(
      "synchro.json",
      JSON.stringify({
        collections: {
          notes: { schema: { type: "object", properties: { done: { type: "boolean" } } } },
        },
      }),
    );
    const flags = ["--space", "s", "--collection", "notes", "--config", "synchro.json"];
    put("a.csv", 'key,done,tags\na,TRUE,"[""x""]"\nb,maybe,\n');
    const ended = await run("import", ...flags, "a.csv");
    expect(ended.stderr).toContain("line 3 was rejected first: done must be true or false");
    const { stdout } = await run("export", ...flags);
    expect(lines(stdout)).toMatchObject([
      { collection: "notes", key: "a", value: { done: true, tags: ["x"] } },
    ]);
    const server = await serve("--config", "synchro.json");
    put("b.ndjson", '{"collection":"notes","key":"c","value":{"done":1}}\n');
    const sent = await run("import", "--space", "s", "--url", server.url, "b.ndjson");
    expect(sent.stderr).toContain("line 1 was rejected first: done must be true or false");
  });

  test("that is killed half-way is completed by the next", { timeout: 120_000 }, async () => {
    const count = 25_000;
    put("a.ndjson", ndjson(readings(count)));
    const server = await serve();
    const import_ = () => start(["import", "--space", "s", "--url", server.url, "a.ndjson"]);
    const first = import_();
    for (;;) {
      await sleep(20);
      const digest = JSON.stringify(await digestOf(server.url, "s"));
      const held = Number(/"count":(\d+)/.exec(digest)?.[1] ?? 0);
      if (held > 0) break;
    }
    first.child.kill("SIGKILL");
    expect((await first.ended).stdout).toBe("");
    const { code, stdout } = await import_().ended;
    expect(code).toBe(0);
    const [, applied, unchanged] = /: ([\d,]+) applied, ([\d,]+) unchanged/.exec(stdout) ?? [];
    const asNumber = (text = ""): number => Number(text.replaceAll(",", ""));
    expect(asNumber(unchanged)).toBeGreaterThan(0);
    expect(asNumber(applied)).toBeGreaterThan(0);
    expect(asNumber(applied) + asNumber(unchanged)).toBe(count);
    expect(await digestOf(server.url, "s")).toMatchObject({ collections: { readings: { count } } });
  });

  test(
    "into data that is killed half-way is completed by the next",
    { timeout: 120_000 },
    async () => {
      put("a.ndjson", ndjson(readings(25_000)));
      const first = start(["import", "--space", "s", "a.ndjson"]);
      while (!existsSync(join(folder, "data/synchro.db-wal"))) await sleep(10);
      await sleep(300);
      first.child.kill("SIGKILL");
      await first.ended;
      expect(await run("import", "--space", "s", "a.ndjson")).toMatchObject({
        code: 0,
        stderr: "",
      });
      const { stdout } = await run("export", "--space", "s");
      expect(lines(stdout)).toHaveLength(25_000);
    },
  );

  test("stops at Ctrl+C in one line, even while it waits for its input", async () => {
    const import_ = start(["import", "--space", "s", "-"], {}, null);
    import_.child.stdin?.write(ndjson(readings(600)));
    while (!existsSync(join(folder, "data/synchro.db"))) await sleep(20);
    await sleep(300);
    import_.child.kill("SIGINT");
    expect(await import_.ended).toEqual({
      code: 1,
      // On a slow machine the first batch may not be under way yet.
      stdout: expect.stringMatching(
        /^imported (?:0 rows into s: 0|500 rows into s: 500) applied, /,
      ),
      stderr: "synchro: stdin: stopped before the end: nothing is lost, run it again\n",
    });
    put("a.ndjson", ndjson(readings(600)));
    expect(await run("import", "--space", "s", "a.ndjson")).toMatchObject({ code: 0, stderr: "" });
    expect(lines((await run("export", "--space", "s")).stdout)).toHaveLength(600);
  });
});

describe("an export", () => {
  test("is read from data that a server has open, at one moment", async () => {
    const server = await serve();
    put("a.ndjson", ndjson(readings(3)));
    await run("import", "--space", "s", "--url", server.url, "a.ndjson");
    const { code, stdout, stderr } = await run("export", "--space", "s");
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^synchro: exported 3 records of s \(readings\) to stdout in \d+\.\d s\n$/,
    );
    expect(lines(stdout)).toEqual(
      readings(3).map((each, index) => ({ collection: "readings", seq: index + 1, ...each })),
    );
    const other = await run("export", "--space", "s", "--url", server.url);
    expect(other.stdout).toBe(stdout);
  });

  test.each(["data", "server"])(
    "has deleted records where they are asked for (%s)",
    async (place) => {
      const flags = place === "data" ? [] : ["--url", (await serve()).url];
      const deleted = { key: "4000000000001", updated_at: "2026-11-01T00:00:00Z", deleted: true };
      put("a.ndjson", ndjson([...readings(3), deleted]));
      await run("import", "--space", "s", ...flags, "a.ndjson");
      const live = await run("export", "--space", "s", ...flags);
      expect(lines(live.stdout).map(({ key }) => key)).toEqual(["4000000000000", "4000000000002"]);
      await run("export", "--space", "s", "--tombstones", ...flags, "all.ndjson");
      expect(lines(read("all.ndjson"))).toHaveLength(3);
      expect(lines(read("all.ndjson")).at(-1)).toMatchObject(deleted);
      await run("export", "--space", "s", "--tombstones", ...flags, "all.csv");
      expect(read("all.csv")).toBe(
        "key,updated_at,deleted,expiration_date,quantity\r\n" +
          "4000000000000,2026-10-01T10:00:00Z,,2026-12-01,0\r\n" +
          "4000000000002,2026-10-01T10:00:00Z,,2026-12-01,2\r\n" +
          "4000000000001,2026-11-01T00:00:00Z,true,,\r\n",
      );
      const again = await run("import", "--space", "s", ...flags, "all.csv");
      expect(again.stdout).toContain(": 0 applied, 3 unchanged, 0 superseded");
    },
  );

  test("100,000 records into an empty server: equal digests", { timeout: 240_000 }, async () => {
    const count = 100_000;
    put("a.ndjson", ndjson(readings(count)));
    await run("import", "--space", "s", "--data", "one", "a.ndjson");
    expect((await run("export", "--space", "s", "--data", "one", "b.ndjson")).code).toBe(0);
    expect((await run("export", "--space", "s", "--data", "one", "b.csv")).code).toBe(0);
    const one = await serve("--data", "one");
    const two = await serve("--data", "two");
    const into = ["import", "--url", two.url, "--space"];
    expect((await run(...into, "s", "b.ndjson")).stdout).toContain("100,000 applied");
    expect((await run(...into, "t", "b.csv")).stdout).toContain("100,000 applied");
    const digest = await digestOf(one.url, "s");
    expect(digest).toMatchObject({ collections: { readings: { count } } });
    expect(await digestOf(two.url, "s")).toEqual(digest);
    expect(await digestOf(two.url, "t")).toEqual(digest);
    const back = await run("export", "--space", "t", "--url", two.url, "c.ndjson");
    expect(back).toMatchObject({ code: 0, stdout: "" });
    expect(read("c.ndjson")).toBe(read("b.ndjson"));
  });

  test("stops at Ctrl+C in one line and leaves nothing", async () => {
    put("a.ndjson", ndjson(readings(60_000)));
    await run("import", "--space", "s", "a.ndjson");
    const export_ = start(["export", "--space", "s", "b.csv"]);
    const isUnderWay = (): boolean => readdirSync(folder).some((name) => name.endsWith(".part"));
    while (!isUnderWay()) await sleep(2);
    export_.child.kill("SIGINT");
    expect(await export_.ended).toEqual({
      code: 1,
      stdout: "",
      stderr: "synchro: stopped before the end: nothing is lost, run it again\n",
    });
    expect(readdirSync(folder).toSorted()).toEqual(["a.ndjson", "data"]);
  });
});
