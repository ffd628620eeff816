import { describe, expect, test } from "vitest";
import { compileQuery } from "./compile-query.ts";
import type { RowChange } from "./live-query.ts";
import { createLiveRows } from "./live-rows.ts";
import type { QuerySpec } from "./query-spec.ts";

type Item = { readonly name: string; readonly quantity: number };

const item = (name: string, quantity: number): Item => ({ name, quantity });
const keyed = (...items: readonly Item[]) => items.map((row) => ({ key: row.name, row }));
const put = (...items: readonly Item[]): readonly RowChange<Item>[] =>
  items.map((after) => ({ key: after.name, before: null, after }));

const setUp = (spec: Partial<QuerySpec<Item>> = {}) => {
  const errors: unknown[] = [];
  const query = compileQuery<Item>(
    { where: [{ quantity: { gt: 0 } }], orderBy: [], limit: null, ...spec },
    () => "plain",
  );
  const live = createLiveRows(query, (error) => errors.push(error));
  const heard: (readonly string[])[] = [];
  const listen = (): (() => void) =>
    live.subscribe((rows) => heard.push(rows.map(({ name }) => name)));
  return { live, heard, listen, errors };
};

const turn = (): Promise<void> => Promise.resolve();

describe("a listener that throws", () => {
  test("disturbs no other, and is called again", async () => {
    const { live, heard, listen, errors } = setUp();
    let calls = 0;
    live.subscribe(() => {
      calls += 1;
      throw new Error(`call ${calls}`);
    });
    listen();
    live.beginLoad()(keyed(item("a", 1)));
    await turn();
    live.apply(put(item("b", 1)));
    await turn();
    expect(heard).toEqual([["a"], ["a", "b"]]);
    expect(errors).toEqual([new Error("call 1"), new Error("call 2")]);
  });
});

describe("changes that come in while rows are read", () => {
  test("hold over what was read, the first time", async () => {
    const { live, heard, listen } = setUp();
    listen();
    const load = live.beginLoad();
    live.apply(put(item("a", 2)));
    live.apply([{ key: "b", before: null, after: null }]);
    await turn();
    expect(heard).toEqual([]);
    expect(live.rows()).toBeNull();
    load(keyed(item("a", 1), item("b", 1), item("c", 1)));
    await turn();
    expect(live.rows()).toEqual([item("a", 2), item("c", 1)]);
    expect(heard).toEqual([["a", "c"]]);
  });

  test("are shown at once and hold over what was read anew", async () => {
    const { live, heard, listen } = setUp();
    live.beginLoad()(keyed(item("a", 1)));
    listen();
    const load = live.beginLoad();
    live.apply(put(item("b", 1)));
    await turn();
    expect(heard).toEqual([["a", "b"]]);
    load(keyed(item("a", 1), item("z", 1)));
    await turn();
    expect(heard).toEqual([
      ["a", "b"],
      ["a", "b", "z"],
    ]);
  });

  test("hold over each of two reads at a time", () => {
    const { live } = setUp();
    const first = live.beginLoad();
    live.apply(put(item("a", 2)));
    const second = live.beginLoad();
    live.apply(put(item("b", 2)));
    second(keyed(item("a", 2), item("b", 1)));
    expect(live.rows()).toEqual([item("a", 2), item("b", 2)]);
    first(keyed(item("a", 1), item("b", 1)));
    expect(live.rows()).toEqual([item("a", 2), item("b", 2)]);
  });

  test("stand alone where the read failed", () => {
    const { live } = setUp();
    live.beginLoad()(null);
    expect(live.rows()).toBeNull();
    live.beginLoad()(keyed(item("a", 1)));
    const load = live.beginLoad();
    live.apply(put(item("b", 1)));
    load(null);
    expect(live.rows()).toEqual([item("a", 1), item("b", 1)]);
  });

  test("are not kept for a read that has ended", () => {
    const { live } = setUp();
    const load = live.beginLoad();
    load(keyed());
    expect(() => load(keyed())).toThrow("loaded before");
  });
});

describe("a listener", () => {
  test("hears once of all that came together, and only of other rows", async () => {
    const { live, heard, listen } = setUp();
    listen();
    live.beginLoad()(keyed(item("a", 1)));
    live.apply(put(item("b", 1)));
    live.apply(put(item("c", 1)));
    expect(heard).toEqual([]);
    await turn();
    expect(heard).toEqual([["a", "b", "c"]]);
    live.apply(put(item("c", 1), item("hidden", 0)));
    await turn();
    expect(heard).toHaveLength(1);
  });

  test("that comes later hears of the rows as they are, and the others nothing again", async () => {
    const { live, heard, listen } = setUp();
    listen();
    live.beginLoad()(keyed(item("a", 1)));
    await turn();
    const late: number[] = [];
    live.subscribe((rows) => late.push(rows.length));
    expect(late).toEqual([]);
    await turn();
    expect(late).toEqual([1]);
    expect(heard).toHaveLength(1);
  });

  test("that has gone is not called, not even by what it was told together with", async () => {
    const { live, heard, listen } = setUp();
    const stops: (() => void)[] = [];
    live.subscribe(() => {
      for (const stop of stops) stop();
    });
    stops.push(listen(), listen());
    live.beginLoad()(keyed(item("a", 1)));
    await turn();
    live.apply(put(item("b", 1)));
    await turn();
    stops[0]?.();
    expect(heard).toEqual([]);
  });

  test("may change what is shown; everybody hears of the last", async () => {
    const { live, heard, listen } = setUp();
    live.subscribe((rows) => {
      if (rows.length === 1) live.apply(put(item("b", 1)));
    });
    listen();
    live.beginLoad()(keyed(item("a", 1)));
    await turn();
    await turn();
    expect(heard.at(-1)).toEqual(["a", "b"]);
  });
});

test("a window is refilled with what stands behind it", () => {
  const { live } = setUp({ limit: 2, orderBy: [{ field: "quantity", direction: "desc" }] });
  live.beginLoad()(keyed(item("a", 1), item("b", 2), item("c", 3), item("d", 4)));
  expect(live.rows()?.map(({ name }) => name)).toEqual(["d", "c"]);
  live.apply([{ key: "d", before: null, after: null }]);
  expect(live.rows()?.map(({ name }) => name)).toEqual(["c", "b"]);
  const rows = live.rows();
  live.apply(put(item("e", 1)));
  expect(live.rows()).toBe(rows);
});
