import { DatabaseSync } from "node:sqlite";
import { MemoryDisk } from "../../packages/server/src/store/memory/memory-disk.ts";
import { MemoryStore } from "../../packages/server/src/store/memory/memory-store.ts";
import { openSqliteStoreOver } from "../../packages/server/src/store/sqlite/open-sqlite-store.ts";
import type { Store, StoreOptions } from "../../packages/server/src/store/store.ts";

/** A copy of all that a server's disk held at one moment. */
export type DiskImage = { readonly restore: () => void };

/** A storage engine on a disk that outlives every process that opens it. */
export type Engine = {
  readonly name: EngineName;
  readonly open: (options: StoreOptions) => Promise<Store>;
  /** The process that had it open was killed: nothing of it may touch the disk any more. */
  readonly abandon: () => void;
  readonly takeImage: () => DiskImage;
  /** A full disk refuses what would make its data grow. */
  readonly setFull: (isFull: boolean) => void;
};

export const engineNames = ["memory", "sqlite"] as const;
export type EngineName = (typeof engineNames)[number];

const createMemoryEngine = (): Engine => {
  let disk = new MemoryDisk();
  let isFull = false;
  const replaceDisk = (parts: Pick<MemoryDisk, "spaces" | "declared">): void => {
    disk = Object.assign(new MemoryDisk(), parts);
    disk.bytesMax = isFull ? 0 : Number.POSITIVE_INFINITY;
  };
  return {
    name: "memory",
    open: (options) => Promise.resolve(new MemoryStore(options, disk)),
    abandon: () => {
      disk.owner = null;
    },
    takeImage: () => {
      const { spaces, declared } = disk;
      return { restore: () => replaceDisk({ spaces, declared }) };
    },
    setFull: (full) => {
      isFull = full;
      disk.bytesMax = full ? 0 : Number.POSITIVE_INFINITY;
    },
  };
};

/** What SQLite takes as no bound. */
const PAGES_MAX = 1_073_741_823;

/** SQLite over one connection to a database in memory, which plays the disk: only what is committed outlives a process. */
const createSqliteEngine = (): Engine => {
  let database = new DatabaseSync(":memory:");
  let isFull = false;
  const boundPages = (): void => {
    const pages = isFull ? database.prepare("PRAGMA page_count").get()?.["page_count"] : PAGES_MAX;
    // 0 pages would be no bound.
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Number(pages))}`);
  };
  return {
    name: "sqlite",
    open: async (options) => {
      const onFatal = (error: Error): void => {
        throw error;
      };
      return openSqliteStoreOver(database, { ...options, bytesMax: null, onFatal });
    },
    abandon: () => {},
    takeImage: () => {
      const bytes = database.serialize();
      return {
        restore: () => {
          database = new DatabaseSync(":memory:");
          database.deserialize(bytes);
          boundPages();
        },
      };
    },
    setFull: (full) => {
      isFull = full;
      boundPages();
    },
  };
};

const creators: { readonly [name in EngineName]: () => Engine } = {
  memory: createMemoryEngine,
  sqlite: createSqliteEngine,
};

export const createEngine = (name: EngineName): Engine => creators[name]();
