import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { collect } from "./collect.fixture.ts";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import type { InputRow } from "./input-row.ts";
import { readCsv } from "./read-csv.ts";
import { readText } from "./read-text.ts";

const registry = createCollectionRegistry({
  notes: { schema: { type: "object" } },
  tagged: { schema: { type: "object", required: ["tag"] }, key: "tag" },
});

const defaults = { collection: "readings", updatedAt: "2026-11-24T00:00:00Z" };

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

const read = (text: string, collection = "readings"): Promise<readonly InputRow[]> =>
  collect(
    readCsv(
      readText(bytesOf(text)),
      { ...defaults, collection },
      { collection: registry.get(collection)!, limits: defaultLimits },
    ),
  );

const changes = async (text: string, collection = "readings") =>
  (await read(text, collection)).map((row) => {
    if (row.kind === "fault") throw new Error(row.fault.message);
    return row.change;
  });

describe("a header that can't be used names the column", () => {
  test.each([
    ["", "line 1: there is no header line: the file is empty"],
    ["\n\n", "line 1: there is no header line: the file is empty"],
    ["key,,expiration_date\n", "line 1: column 2 has no name"],
    ["key,expiration_date,expiration_date\n", 'line 1: column "expiration_date" stands twice'],
    ["key,key,expiration_date\n", 'line 1: column "key" stands twice'],
    ["expiration_date\n", 'line 1: column "key" is missing'],
    ["Key,expiration_date\n", 'line 1: column "key" is missing (is it "Key"?)'],
    [
      "key;expiration_date\n",
      'line 1: column "key" is missing: cells are parted by commas, not by semicolons',
    ],
    [
      "key\texpiration_date\n",
      'line 1: column "key" is missing: cells are parted by commas, not by tabs',
    ],
    ["key,note\n", 'line 1: column "expiration_date" is missing'],
    [
      "key,expiration_dat\n",
      'line 1: column "expiration_date" is missing (is it "expiration_dat"?)',
    ],
    ["key,expiration_date,_x\n", 'line 1: column "_x": the name is reserved'],
    ["key,expiration_date,__proto__\n", 'line 1: column "__proto__": the name is reserved'],
    ["key,expiration_date,constructor\n", 'line 1: column "constructor": the name is reserved'],
    ["key,expiration_date,value.\n", "line 1: column 3 has no name"],
  ])("%j", async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

const header = "key,expiration_date,note\n";

describe("what is malformed ends the reading at its line", () => {
  test.each([
    [
      "an unclosed quote",
      `${header}a,2026-12-01,x\nb,2026-12-01,"x\nc,2026-12-01,y\n`,
      /^line 3: a quoted cell is not closed before the end$/,
    ],
    [
      "an unclosed quote after cells over lines",
      `\n${header}a,2026-12-01,"x\r\ny"\n\n"b,2026-12-01`,
      /^line 6: a quoted cell is not closed/,
    ],
    [
      "text after a closing quote",
      `${header}a,2026-12-01,"x"y\n`,
      /^line 2: text follows a closing quote/,
    ],
    [
      "a quote within a bare cell",
      `${header}a,2026-12-01,x"y"\n`,
      /^line 2: a quote stands in a cell that does not begin with one$/,
    ],
    [
      "a cell of 10 MB",
      `${header}a,2026-12-01,${"x".repeat(10_000_000)}\n`,
      /^line 2: the row has more than 2097152 characters/,
    ],
    [
      "a quoted cell of 10 MB",
      `${header}a,2026-12-01,"${"x\n".repeat(5_000_000)}"\n`,
      /^line 2: the row has more than 2097152 characters/,
    ],
    [
      "an unclosed quote before 10 MB",
      `${header}a,2026-12-01,"${"b,2026-12-01,x\n".repeat(700_000)}`,
      /^line 2: the row has more than 2097152 characters \(is a quote not closed\?\)$/,
    ],
  ])("%s", async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

test("rows before what is malformed are read", async () => {
  const rows = readCsv(
    readText(bytesOf(`${header}a,2026-12-01,x\nb,2026-12-01,x\nc,2026-12-01,"x"y\n`)),
    defaults,
    { collection: registry.get("readings")!, limits: defaultLimits },
  );
  expect(await rows.next()).toMatchObject({ value: { line: 2 } });
  expect(await rows.next()).toMatchObject({ value: { line: 3 } });
  await expect(rows.next()).rejects.toThrow("line 4: text follows a closing quote");
});

describe("a row that does not fit is a fault of its own", () => {
  test("ragged rows", async () => {
    const rows = await read(`${header}a,2026-12-01\nb,2026-12-01,x\nc,2026-12-01,x,y\n`);
    expect(rows.map(({ kind, line }) => ({ kind, line }))).toEqual([
      { kind: "fault", line: 2 },
      { kind: "change", line: 3 },
      { kind: "fault", line: 4 },
    ]);
    expect(rows[0]).toMatchObject({
      fault: { code: "bad_row", message: "the row has 2 cells, the header 3", path: "" },
    });
  });

  test("a NUL is a broken data rule of its row", async () => {
    const [row, next] = await read(`${header}a,2026-12-01,x\u0000y\nb,2026-12-01,x\n`);
    expect(row).toMatchObject({
      kind: "change",
      line: 2,
      violation: { rule: "nul_character", path: "/changes/0/value/note" },
    });
    expect(next).toMatchObject({ kind: "change", violation: undefined });
  });
});

describe("rows are changes", () => {
  test("with a byte order mark, CRLF and blank lines", async () => {
    expect(
      await read("\uFEFFkey,expiration_date\r\na,2026-12-01\r\n\r\nb,2026-12-02"),
    ).toMatchObject([
      { line: 2, change: { key: "a", value: { expiration_date: "2026-12-01" } } },
      { line: 4, change: { key: "b", value: { expiration_date: "2026-12-02" } } },
    ]);
  });

  test("a cell over several lines: the row's line is its first", async () => {
    const rows = await read(`${header}a,2026-12-01,"x\r\ny\nz"\nb,2026-12-01,x\n`);
    expect(rows).toMatchObject([
      { line: 2, change: { value: { note: "x\r\ny\nz" } } },
      { line: 5, change: { key: "b" } },
    ]);
  });

  test("cells are typed by the schema, and an empty one is absent", async () => {
    const text = `key,expiration_date,quantity,note,extra\na,2026-12-01,2.5,007,\nb,2026-12-01,,,"{""a"":1}"\n`;
    expect(await changes(text)).toEqual([
      {
        collection: "readings",
        key: "a",
        updated_at: "2026-11-24T00:00:00Z",
        deleted: false,
        value: { expiration_date: "2026-12-01", quantity: 2.5, note: "007" },
      },
      {
        collection: "readings",
        key: "b",
        updated_at: "2026-11-24T00:00:00Z",
        deleted: false,
        value: { expiration_date: "2026-12-01", extra: { a: 1 } },
      },
    ]);
  });

  test("updated_at in the forms that people write; what is none is the judge's to refuse", async () => {
    const rows = await changes(
      "key,expiration_date,updated_at\na,2026-12-01,2026-11-24 12:00:00+02:00\nb,2026-12-01,\nc,2026-12-01,yesterday\n",
    );
    expect(rows.map((row) => row["updated_at"])).toEqual([
      "2026-11-24T10:00:00Z",
      "2026-11-24T00:00:00Z",
      "yesterday",
    ]);
  });

  test("the key may stand in the column of the member that repeats it", async () => {
    const [row] = await changes("gtin,expiration_date\n0401,2026-12-01\n");
    expect(row).toMatchObject({ key: "0401", value: { expiration_date: "2026-12-01" } });
    expect(row?.["value"]).not.toHaveProperty("gtin");
    const [required] = await changes("tag,x\na,1\n", "tagged");
    expect(required).toMatchObject({ key: "a", value: { tag: "a", x: 1 } });
    const [both] = await changes("key,gtin,expiration_date\n0401,0401,2026-12-01\n");
    expect(both).toMatchObject({ key: "0401", value: { gtin: "0401" } });
  });

  test("deleted rows have no value", async () => {
    const rows = await changes(
      "key,deleted,expiration_date\na,true,\nb,,2026-12-01\nc,1,2026-12-01\nd,maybe,2026-12-01\n",
    );
    expect(rows.map(({ deleted, value }) => ({ deleted, value }))).toEqual([
      { deleted: true, value: undefined },
      { deleted: false, value: { expiration_date: "2026-12-01" } },
      { deleted: true, value: { expiration_date: "2026-12-01" } },
      { deleted: "maybe", value: { expiration_date: "2026-12-01" } },
    ]);
  });

  test("a column of another meaning stands behind value.", async () => {
    const [row] = await changes("key,value.key,value.value.x,plain\na,1,2,3\n", "notes");
    expect(row?.["value"]).toEqual({ key: 1, "value.x": 2, plain: 3 });
  });
});
