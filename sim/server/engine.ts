import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Epoch, epochInLife, lifeOfSpace, listEpoch } from "@synchro/core";
import { emptyImage } from "../../packages/server/src/store/memory/memory-commit.ts";
import { MemoryDisk } from "../../packages/server/src/store/memory/memory-disk.ts";
import { MemoryStore } from "../../packages/server/src/store/memory/memory-store.ts";
import { beginLives, settleData } from "../../packages/server/src/store/sqlite/begin-lives.ts";
import { openSqliteStoreOver } from "../../packages/server/src/store/sqlite/open-sqlite-store.ts";
import type { Store, StoreOptions } from "../../packages/server/src/store/store.ts";

/** An epoch that begins, listed at once in every space, where older data take the place of newer (EPOCH-5). */
export type BegunEpoch = {
  readonly drawn: Epoch;
  /** Whether what the newer data had beyond the older is given up. */
  readonly isFinal: boolean;
};

/** A copy of all that a server's disk held at one moment. */
export type DiskImage = {
  /** `begun` null: the bare bytes are put back, and nobody is told. */
  readonly restore: (begun: BegunEpoch | null) => void;
};

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

type MemoryParts = Pick<MemoryDisk, "spaces" | "declared">;

/** As `beginLives` of the SQLite engine has it: the same rule, for a disk that is a map. */
const beginLivesIn = (
  { spaces, declared }: MemoryParts,
  replaced: MemoryDisk["spaces"],
  { drawn, isFinal }: BegunEpoch,
): MemoryParts => {
  const begun = new Map(spaces);
  const livesReplaced = new Map(
    [...replaced].map(([space, { state }]) => [space, lifeOfSpace(state.epochs)]),
  );
  for (const [space, image] of spaces) {
    const { epochs, head } = image.state;
    const reached = Math.max(lifeOfSpace(epochs), livesReplaced.get(space) ?? 0);
    const listed = listEpoch(epochs, drawn, head, reached + Number(isFinal));
    begun.set(space, { ...image, state: { ...image.state, epochs: listed } });
  }
  for (const [space, reached] of livesReplaced) {
    const life = reached + Number(isFinal);
    if (spaces.has(space) || life === 0) continue;
    begun.set(space, emptyImage(epochInLife(drawn, life)));
  }
  return { spaces: begun, declared };
};

const createMemoryEngine = (): Engine => {
  let disk = new MemoryDisk();
  let isFull = false;
  const replaceDisk = (parts: MemoryParts): void => {
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
      const parts = { spaces, declared };
      return {
        restore: (begun) =>
          replaceDisk(begun === null ? parts : beginLivesIn(parts, disk.spaces, begun)),
      };
    },
    setFull: (full) => {
      isFull = full;
      disk.bytesMax = full ? 0 : Number.POSITIVE_INFINITY;
    },
  };
};

/** What SQLite takes as no bound. */
const PAGES_MAX = 1_073_741_823;

/** A database in memory knows no log: the two bytes of the header that say so. */
const withoutLog = (bytes: Uint8Array): Uint8Array => {
  bytes.set([1, 1], 18);
  return bytes;
};

/** The engine's own preparation of a backup, which works on files. */
const beginLivesInFile = (
  bytes: Uint8Array,
  replaced: Uint8Array,
  { drawn, isFinal }: BegunEpoch,
): Uint8Array => {
  const folder = mkdtempSync(join(tmpdir(), "synchro-sim-"));
  try {
    const path = join(folder, "restored.db");
    const replacedPath = join(folder, "replaced.db");
    writeFileSync(path, bytes);
    writeFileSync(replacedPath, replaced);
    beginLives(path, { drawn, isFinal, replaced: settleData(replacedPath) });
    return withoutLog(readFileSync(path));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

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
        restore: (begun) => {
          const replaced = database.serialize();
          database = new DatabaseSync(":memory:");
          database.deserialize(begun === null ? bytes : beginLivesInFile(bytes, replaced, begun));
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
