import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, test } from "vitest";
import { step } from "../testing/model-steps.ts";
import { type Ground, take, World } from "../testing/model-world.ts";
import { MemoryDisk } from "./store/memory/memory-disk.ts";
import { MemoryStore } from "./store/memory/memory-store.ts";
import { openSqliteStoreOver } from "./store/sqlite/open-sqlite-store.ts";

const onMemory = (): Ground => {
  let disk = new MemoryDisk();
  return {
    open: (options) => new MemoryStore(options, disk),
    image: () => {
      const { spaces, declared } = disk;
      return () => {
        disk = Object.assign(new MemoryDisk(), { spaces, declared });
      };
    },
  };
};

const onSqlite = (): Ground => {
  let database = new DatabaseSync(":memory:");
  const onFatal = (error: Error): void => {
    throw error;
  };
  return {
    open: (options) => openSqliteStoreOver(database, { ...options, bytesMax: null, onFatal }),
    image: () => {
      const bytes = database.serialize();
      return () => {
        database = new DatabaseSync(":memory:");
        database.deserialize(bytes);
      };
    },
  };
};

describe.each([
  ["memory", onMemory],
  ["SQLite", onSqlite],
])("the whole server over HTTP, on %s", (_, createGround) => {
  test("[PUSH-1] [PULL-1] [PULL-8] [RESET-1] [EPOCH-3] [DIGEST-5] each answer is what the rules say, to the last member", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 50, size: "max" }),
        async (steps) => {
          const world = new World(createGround());
          await world.open();
          try {
            for (const each of steps) await take(world, each);
            await world.finish();
          } finally {
            await world.close();
          }
        },
      ),
      { seed: 20_261_124, numRuns: 60 },
    );
  }, 240_000);
});
