import type { CollectionName, SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { describe, expect, test } from "vitest";
import { createCollectionRegistry } from "../collections/collection-registry.ts";
import { StartError } from "../config/start-error.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { systemRuntime } from "../system-runtime.ts";
import type { InputRow } from "./input-row.ts";
import { createJudgeRow } from "./judge-row.ts";
import type { ImportTarget, OutgoingChange } from "./outgoing-change.ts";
import { type RejectedRow, runImport } from "./run-import.ts";
import { createStoreTarget } from "./store-target.ts";

const registry = createCollectionRegistry();
const space = "shop" as SpaceId;

const judge = createJudgeRow({
  registry,
  limits: defaultLimits,
  sha256: systemRuntime.sha256,
  sendsUndeclared: false,
});

const rowOf = (key: string, updatedAt = "2026-10-01T00:00:00Z", more = {}): InputRow => ({
  kind: "change",
  line: 1,
  change: {
    collection: "readings",
    key,
    updated_at: updatedAt,
    value: { expiration_date: "2026-12-01" },
    ...more,
  },
  violation: undefined,
});

async function* rowsOf(rows: readonly (InputRow | Error)[]): AsyncGenerator<InputRow> {
  for (const row of rows) {
    if (row instanceof Error) throw row;
    yield row;
  }
}

const run = async (
  rows: readonly (InputRow | Error)[],
  target: ImportTarget | null,
  signal = new AbortController().signal,
) => {
  const rejected: RejectedRow[] = [];
  const end = await runImport({
    rows: rowsOf(rows),
    judge,
    target,
    batch: { changesMax: 3, lengthMax: 1_000 },
    onRejected: (row) => rejected.push(row),
    onProgress: () => {},
    signal,
  });
  return { ...end, rejected };
};

/** A target that only notes what it is sent. */
const createNotingTarget = (fail: (batch: number) => void = () => {}) => {
  const batches: (readonly string[])[] = [];
  let seq = 0;
  const target: ImportTarget = {
    head: 0,
    send: async (changes: readonly OutgoingChange[]) => {
      fail(batches.length);
      batches.push(changes.map(({ key }) => key));
      return changes.map(() => ({ kind: "applied", seq: (seq += 1) }));
    },
    close: () => Promise.resolve(),
  };
  return { target, batches };
};

describe("an import", () => {
  test("that fails in its input sends what came before", async () => {
    const { target, batches } = createNotingTarget();
    const end = await run([rowOf("a"), rowOf("b"), new StartError("line 3: broken")], target);
    expect(end.failure?.message).toBe("line 3: broken");
    expect(end.counts).toMatchObject({ rows: 2, applied: 2 });
    expect(batches).toEqual([["a", "b"]]);
  });

  test("that fails in its target is not counted further, and sends nothing more", async () => {
    const { target, batches } = createNotingTarget((batch) => {
      if (batch === 1) throw new StartError("no room");
    });
    const end = await run(
      ["a", "b", "c", "d", "e", "f", "g"].map((key) => rowOf(key)),
      target,
    );
    expect(end).toMatchObject({ counts: { rows: 3, applied: 3 }, failure: { message: "no room" } });
    expect(batches).toEqual([["a", "b", "c"]]);
  });

  test("a defect is not taken for an end", async () => {
    const { target } = createNotingTarget(() => {
      throw new TypeError("x is undefined");
    });
    await expect(run([rowOf("a")], target)).rejects.toThrow(TypeError);
    await expect(run([new TypeError("y")], target)).rejects.toThrow(TypeError);
  });

  test("that is asked to stop sends no batch more", async () => {
    const { target, batches } = createNotingTarget();
    const end = await run([rowOf("a"), rowOf("b")], target, AbortSignal.abort());
    expect(end).toMatchObject({
      counts: { rows: 0 },
      failure: { message: "stopped before the end: nothing is lost, run it again" },
    });
    expect(batches).toEqual([]);
  });

  test("keeps the order of a record's rows: never two of it in one batch", async () => {
    const { target, batches } = createNotingTarget();
    await run(
      ["a", "b", "a", "a", "c", "d", "e", "f"].map((key) => rowOf(key)),
      target,
    );
    expect(batches).toEqual([["a", "b"], ["a"], ["a", "c", "d"], ["e", "f"]]);
  });

  test("a batch ends before it is too large; a row that is larger stands alone", async () => {
    const { target, batches } = createNotingTarget();
    const large = { value: { expiration_date: "2026-12-01", note: "x".repeat(900) } };
    await run([rowOf("a"), rowOf("b", undefined, large), rowOf("c")], target);
    expect(batches).toEqual([["a"], ["b"], ["c"]]);
  });

  test("into a store counts by what was there", async () => {
    const store = new MemoryStore({
      runtime: systemRuntime,
      limits: defaultLimits,
      collections: registry.storedCollections,
    });
    const targetOf = () =>
      createStoreTarget({ store, space, runtime: systemRuntime, failureOf: (error) => error });
    const first = await run(
      [
        rowOf("a"),
        rowOf("b"),
        rowOf("a"),
        rowOf("a", "2026-09-01T00:00:00Z"),
        rowOf("b", "2026-10-02T00:00:00Z"),
        rowOf("c", "2999-01-01T00:00:00Z"),
        rowOf("d", undefined, { value: {} }),
        { kind: "fault", line: 9, fault: { code: "bad_row", message: "ragged", path: "" } },
      ],
      await targetOf(),
    );
    expect(first.counts).toEqual({
      rows: 8,
      applied: 3,
      unchanged: 1,
      superseded: 1,
      rejected: 3,
    });
    expect(first.rejected.map(({ code, key }) => ({ code, key }))).toEqual([
      { code: "schema_mismatch", key: "d" },
      { code: "bad_row", key: null },
      { code: "stamp_ahead", key: "c" },
    ]);
    const again = await run([rowOf("a"), rowOf("e")], await targetOf());
    expect(again.counts).toMatchObject({ applied: 1, unchanged: 1 });
    const readings = "readings" as CollectionName;
    expect((await store.describeSpace(space))?.digests.get(readings)?.count).toBe(3);
    await store.close();
  });

  test("of a full store fails in one line", async () => {
    const store = new MemoryStore({
      runtime: systemRuntime,
      limits: defaultLimits,
      collections: registry.storedCollections,
    });
    store.push = () => Promise.resolve({ kind: "full" });
    const target = await createStoreTarget({
      store,
      space,
      runtime: systemRuntime,
      failureOf: (error) => error,
    });
    expect((await run([rowOf("a")], target)).failure?.message).toMatch(/^no room is left/);
  });

  test("that only looks counts what could be taken", async () => {
    const end = await run([rowOf("a"), rowOf("a"), rowOf("b", "soon")], null);
    expect(end.counts).toMatchObject({ rows: 3, applied: 2, rejected: 1 });
  });
});
