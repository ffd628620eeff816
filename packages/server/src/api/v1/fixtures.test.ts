import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type JsonValue, parseStamp, type Stamp } from "@synchro/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../testing/start-test-server.ts";
import { replyOf } from "../../../testing/v2-requests.ts";
import { MemoryStore } from "../../store/memory/memory-store.ts";
import { openSqliteStoreOver } from "../../store/sqlite/open-sqlite-store.ts";
import { onFatal } from "../../store/sqlite/sqlite-harness.contract.ts";
import type { Store, StoreOptions } from "../../store/store.ts";
import { systemRuntime } from "../../system-runtime.ts";

/** The format is described in `fixtures/README.md`. */
type Step = {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly body?: JsonValue;
    readonly text?: string;
  };
  readonly expect: {
    readonly status: number;
    readonly headers?: { readonly [name: string]: string };
    readonly body?: JsonValue;
  };
};

type Case = {
  readonly name: string;
  readonly rules: readonly string[];
  readonly clock: string;
  readonly steps: readonly Step[];
};

const folder = join(import.meta.dirname, "../../../../../fixtures/v1");
const files = globSync("*.json", { cwd: folder })
  .toSorted()
  .map((name): readonly [string, readonly Case[]] => [
    basename(name, ".json"),
    JSON.parse(readFileSync(join(folder, name), "utf8")) as readonly Case[],
  ]);

type Engine = (options: StoreOptions) => Store;

const engines: readonly (readonly [string, Engine])[] = [
  ["memory", (options) => new MemoryStore(options)],
  [
    "SQLite",
    (options) =>
      openSqliteStoreOver(new DatabaseSync(":memory:"), { ...options, bytesMax: null, onFatal }),
  ],
];

const mapTexts = (value: JsonValue, change: (text: string) => string): JsonValue => {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => mapTexts(item, change));
  return Object.fromEntries(
    Object.entries(value as { readonly [name: string]: JsonValue }).map(([name, member]) => [
      name,
      mapTexts(member, change),
    ]),
  );
};

/** The cursors of a case, by the names that it gives them. */
class Cursors {
  readonly #byName = new Map<string, string>();

  fill(value: JsonValue): JsonValue {
    return mapTexts(value, (text) => {
      if (!text.startsWith("<cursor:")) return text;
      const cursor = this.#byName.get(text);
      if (cursor === undefined) throw new Error(`${text} was in no answer before`);
      return cursor;
    });
  }

  /** The expected answer with the cursor of the real one, which must fit what was seen before. */
  learn(expected: JsonValue, real: unknown): JsonValue {
    const cursor = (real as { readonly cursor?: unknown }).cursor;
    return mapTexts(expected, (name) => {
      if (!name.startsWith("<cursor:")) return name;
      if (typeof cursor !== "string" || cursor === "") return name;
      const known = this.#byName.get(name);
      const isTaken = [...this.#byName.values()].includes(cursor);
      if (known === undefined && isTaken) return `${name}, and not one seen under another name`;
      this.#byName.set(name, known ?? cursor);
      return known ?? cursor;
    });
  }
}

/** A server whose store is put aside for an empty one before each case. */
const startEmptying = async (openStore: Engine) => {
  let now = "2026-01-01T00:00:00Z";
  let empty = (): Promise<void> => Promise.resolve();
  const runtime = { ...systemRuntime, now: () => parseStamp(now) as Stamp };
  const server = await startTestServer({
    runtime,
    openStore: (options) => {
      let store = openStore(options);
      empty = async () => {
        await store.close();
        store = openStore(options);
      };
      return new Proxy(store, {
        get: (_, name) => {
          const member = Reflect.get(store, name) as unknown;
          return typeof member === "function" ? member.bind(store) : member;
        },
      });
    },
  });
  return {
    ...server,
    begin: async (clock: string): Promise<void> => {
      now = clock;
      await empty();
    },
  };
};

const expectReplay = async (
  server: TestServer,
  { request, expect: answer }: Step,
  now: string,
  cursors: Cursors,
): Promise<void> => {
  const { method, path, body, text } = request;
  const bytes = text ?? (body === undefined ? null : JSON.stringify(cursors.fill(body)));
  const headers: Record<string, string> =
    bytes === null ? {} : { "content-type": "application/json" };
  const reply = await replyOf(
    await fetch(`${server.url}${path}`, { method, headers, body: bytes }),
  );
  expect({ path, status: reply.status }).toEqual({ path, status: answer.status });
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    expect(reply.headers.get(name)).toBe(value);
  }
  if (answer.body === undefined) return;
  if (answer.status !== 200) {
    expect(reply.json).toMatchObject(answer.body as object);
    return;
  }
  const dated = mapTexts(answer.body, (each) => (each === "<now>" ? now : each));
  expect(reply.json).toEqual(cursors.learn(dated, reply.json));
};

describe.each(engines)("on %s", (_, openStore) => {
  let server: Awaited<ReturnType<typeof startEmptying>>;
  beforeAll(async () => {
    server = await startEmptying(openStore);
  });
  afterAll(() => server.stop());

  describe.each(files)("%s.json", (_name, cases) => {
    test.each(cases)("$name", async (each) => {
      await server.begin(each.clock);
      const cursors = new Cursors();
      for (const step of each.steps) await expectReplay(server, step, each.clock, cursors);
    });
  });
});

test("there are cases of every kind, and the rules that they name exist", () => {
  expect(files.map(([name]) => name)).toEqual([
    "beside-v2",
    "cursor",
    "dates",
    "refused",
    "shops",
    "sync",
  ]);
  const spec = join(folder, "../../docs/spec");
  const headings = new Set(
    globSync("*.md", { cwd: spec }).flatMap((page) =>
      Array.from(readFileSync(join(spec, page), "utf8").matchAll(/^### (\S+)$/gm), ([, id]) => id),
    ),
  );
  const named = files.flatMap(([, cases]) => cases.flatMap(({ rules }) => rules));
  expect(named.length).toBeGreaterThan(files.flatMap(([, cases]) => cases).length - 1);
  expect(named.filter((id) => !headings.has(id))).toEqual([]);
});
