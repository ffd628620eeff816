import { describe, expect, test } from "vitest";
import { defaultLimits } from "./limits.ts";
import { createReadPullQuery } from "./read-pull-query.ts";

const read = createReadPullQuery(defaultLimits);

describe("[PULL] a query that breaks a rule is refused by name", () => {
  test.each<[string, { readonly [name: string]: unknown }, string]>([
    ["a limit that is no number", { limit: "ten" }, "limit must be an integer"],
    ["a limit with a sign", { limit: "-1" }, "limit must be an integer"],
    ["a fraction", { limit: "1.5" }, "limit must be an integer"],
    ["an exponent", { limit: "1e3" }, "limit must be an integer"],
    ["no records", { limit: "0" }, "limit must be at least 1"],
    [
      "more than a double tells apart",
      { limit: "9999999999999999" },
      "limit must be at most 9007199254740991",
    ],
    ["a wait that is no number", { wait: "a while" }, "wait must be an integer"],
    ["a word for yes", { tombstones: "yes" }, "tombstones must be true or false"],
    ["a parameter given twice", { cursor: ["a", "b"] }, "cursor must be a string or null"],
    [
      "a cursor of a kilometre",
      { cursor: "c".repeat(8_193) },
      "cursor must have at most 8192 characters",
    ],
  ])("%s", (_, query, message) => {
    const [name = ""] = Object.keys(query);
    expect(read(query)).toEqual({ kind: "bad", errors: [{ path: `/${name}`, message }] });
  });

  test("each name that no collection can have is named by its place", () => {
    const reading = read({ collections: "readings,,Batches" });
    expect(reading.kind === "bad" && reading.errors.map(({ path }) => path)).toEqual([
      "/collections/1",
      "/collections/2",
    ]);
  });

  test("too many collections", () => {
    const collections = Array.from({ length: 65 }, (_, index) => `c${index}`).join(",");
    const message = "collections must have at most 64 items";
    expect(read({ collections })).toEqual({
      kind: "bad",
      errors: [{ path: "/collections", message }],
    });
  });
});

describe("[PULL] a query", () => {
  test("every parameter", () => {
    const query = {
      cursor: "c1.e.1.-.*",
      ack: "a1.e.1",
      collections: "readings,batches",
      limit: "10",
      wait: "30",
      tombstones: "true",
    };
    expect(read(query)).toEqual({
      kind: "ok",
      message: {
        ...query,
        collections: ["readings", "batches"],
        limit: 10,
        wait: 30,
        tombstones: true,
      },
    });
  });

  test("an empty parameter counts as absent, as in `?cursor=&collections=&limit=`", () => {
    const query = { cursor: "", ack: "", collections: "", limit: "", wait: "", tombstones: "" };
    expect(read(query)).toEqual({ kind: "ok", message: {} });
  });

  test("what has no name here, or is only inherited, is not looked at", () => {
    const query = Object.create({ limit: "ten" }) as { [name: string]: unknown };
    query["shop"] = "x";
    expect(read(query)).toEqual({ kind: "ok", message: {} });
  });

  test("may be asked for more than a server gives: a page may always be shorter", () => {
    const query = { limit: "1000000", wait: "3600" };
    expect(read(query)).toEqual({ kind: "ok", message: { limit: 1_000_000, wait: 3_600 } });
  });
});
