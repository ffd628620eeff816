import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { type CollectionName, lifeOf, lifeOfSpace, type SpaceId } from "@synchro/core";
import { defaultLimits } from "@synchro/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startCli } from "../cli/cli-process.fixture.ts";
import { backupEngine, inspectFolder } from "../compose-operations.ts";
import { StartError } from "../config/start-error.ts";
import { openSqliteControlStore } from "../control/sqlite/open-sqlite-control-store.ts";
import { openSqliteStore } from "../store/sqlite/open-sqlite-store.ts";
import {
  at,
  only,
  otherSpace,
  pullRequest,
  pullRun,
  pushTo,
  readings,
  space,
  start,
  write,
} from "../store/store-harness.contract.ts";
import type { Store } from "../store/store.ts";
import { systemRuntime } from "../system-runtime.ts";
import { makeBackup } from "./make-backup.ts";
import { MANIFEST_NAME, readManifest } from "./manifest.ts";
import { restoreBackup, type RestoreWish } from "./restore-backup.ts";
import { verifyBackup } from "./verify-backup.ts";

let folder: string;
let data: string;
let file: string;
const opened: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "synchro-operations-"));
  data = join(folder, "data");
  file = join(folder, "backup-1");
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const deps = { engine: backupEngine, runtime: systemRuntime, onProgress: () => {} };

const open = async (dataDir = data, writer: "inline" | "worker" = "inline"): Promise<Store> => {
  const store = await openSqliteStore({
    runtime: systemRuntime,
    collections: only(readings, "ledger" as CollectionName),
    limits: defaultLimits,
    dataDir,
    writer,
    bytesMax: null,
    onFatal: (error) => {
      throw error;
    },
  });
  opened.push(store);
  return store;
};

const backUp = (to = file) => makeBackup(deps, { data, backup: to });

const restore = (more: Partial<RestoreWish> = {}) =>
  restoreBackup(deps, { backup: file, data, isFinal: false, replaces: false, ...more });

/** One line for the person who gave the command. */
const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StartError)) throw new Error("it was not refused", { cause: error });
  return error.message;
};

const fill = async (keys: readonly string[], of = space): Promise<void> => {
  const store = await open();
  await pushTo(
    store,
    keys.map((key, n) => write(key, at(n), { n })),
    { space: of },
  );
  await store.close();
};

const keysIn = async (dataDir = data, of = space): Promise<readonly string[]> => {
  const store = await open(dataDir);
  const { records } = await pullRun(store, { space: of });
  await expectDigests(store, of);
  await store.close();
  return records.map(({ key }) => key);
};

const expectDigests = async (store: Store, of: SpaceId): Promise<void> => {
  const { records, pages } = await pullRun(store, { space: of, tombstones: true });
  expect(pages.at(-1)?.digests.get(readings)?.count).toBe(
    records.filter(({ collection, value }) => collection === readings && value !== null).length,
  );
};

describe("a backup", () => {
  test("is a folder of its owner's, with the databases and a manifest, and is whole", async () => {
    await fill(["a", "b"]);
    await fill(["x"], otherSpace);
    const control = await openSqliteControlStore({ dataDir: data });
    await control.createSpace(
      { id: space, title: "One", recordsMax: null },
      { actor: "cli:ann@desk", now: start },
    );
    await control.close();
    const manifest = await backUp();
    expect(readdirSync(folder).toSorted()).toEqual(["backup-1", "data"]);
    expect(readdirSync(file).toSorted()).toEqual(["control.db", "manifest.json", "synchro.db"]);
    expect(statSync(file).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(file)) {
      expect({ name, mode: statSync(join(file, name)).mode & 0o777 }).toEqual({
        name,
        mode: 0o600,
      });
    }
    expect(readManifest(file)).toEqual(manifest);
    expect(manifest).toMatchObject({
      format: 1,
      files: [{ name: "synchro.db" }, { name: "control.db" }],
      spaces: [
        { space: "shop-1", head: 2, live: 2, tombstones: 0 },
        { space: "shop-2", head: 1, live: 1, tombstones: 0 },
      ],
    });
    expect(await verifyBackup(backupEngine, file)).toEqual(manifest);
    // Looking leaves nothing beside it.
    expect(readdirSync(file)).toHaveLength(3);
  });

  test("is never put over anything, not even an empty folder", async () => {
    await fill(["a"]);
    mkdirSync(file);
    expect(await refusalOf(backUp())).toBe(
      `${file} is there already: name another, backups are never overwritten`,
    );
    writeFileSync(join(folder, "plain"), "mine");
    expect(await refusalOf(backUp(join(folder, "plain")))).toContain("is there already");
    expect(readFileSync(join(folder, "plain"), "utf8")).toBe("mine");
    expect(readdirSync(folder).toSorted()).toEqual(["backup-1", "data", "plain"]);
  });

  test("needs data to be made of, and a folder to be made in", async () => {
    expect(await refusalOf(backUp())).toBe(
      `there is no database in ${data}: name its folder with --data`,
    );
    await fill(["a"]);
    expect(await refusalOf(backUp(join(folder, "no", "such")))).toContain("it is missing");
    expect(await refusalOf(backUp(join(data, "synchro.db", "x")))).toContain("is a file");
  });

  test("of a damaged database is none", async () => {
    await fill(Array.from({ length: 500 }, (_, n) => `key-${n}`));
    const path = join(data, "synchro.db");
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0x5a, 4_096 * 9, 4_096 * 12));
    expect(await refusalOf(backUp())).toMatch(/is damaged/);
    expect(readdirSync(folder)).toEqual(["data"]);
  });

  test.each([
    [
      "a byte that is not its own",
      "is not the file that was backed up",
      (path: string) => {
        const bytes = readFileSync(path);
        bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      "a database that is cut",
      "is not the file that was backed up",
      (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 8_192)),
    ],
    ["no database", "synchro.db is missing", (path: string) => rmSync(path)],
  ])("with %s is told, and not restored", async (_, told, harm) => {
    await fill(["a"]);
    await backUp();
    harm(join(file, "synchro.db"));
    expect(await refusalOf(verifyBackup(backupEngine, file))).toBe(
      `${file} is damaged: ${told === "synchro.db is missing" ? told : `synchro.db ${told}`}`,
    );
    expect(await refusalOf(restore({ data: join(folder, "other") }))).toContain(told);
    expect(existsSync(join(folder, "other"))).toBe(false);
  });

  const withManifest = (change: (manifest: Record<string, unknown>) => void): void => {
    const path = join(file, MANIFEST_NAME);
    const manifest = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    change(manifest);
    writeFileSync(path, JSON.stringify(manifest));
  };

  test("that is none, or of a newer program, or that tells other things than it holds, is told", async () => {
    await fill(["a"]);
    expect(await refusalOf(verifyBackup(backupEngine, data))).toBe(
      `${data} is not a backup: it has no manifest.json`,
    );
    await backUp();
    withManifest((manifest) => (manifest["format"] = 2));
    expect(await refusalOf(restore({ data: join(folder, "o") }))).toContain("by a newer Synchro");
    withManifest((manifest) => {
      manifest["format"] = 1;
      manifest["spaces"] = [];
    });
    expect(await refusalOf(verifyBackup(backupEngine, file))).toContain("not those that its");
    withManifest((manifest) => (manifest["files"] = [{ name: "../x.db" }]));
    expect(await refusalOf(verifyBackup(backupEngine, file))).toContain("lacks what it must say");
    writeFileSync(join(file, MANIFEST_NAME), "{");
    expect(await refusalOf(verifyBackup(backupEngine, file))).toContain("is not JSON");
  });

  test("whose database is of a newer schema is told so", async () => {
    await fill(["a"]);
    await backUp();
    const database = new DatabaseSync(join(file, "synchro.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    const bytes = readFileSync(join(file, "synchro.db"));
    const { createHash } = await import("node:crypto");
    withManifest((manifest) => {
      const [first] = manifest["files"] as { sha256: string; bytes: number }[];
      first!.sha256 = createHash("sha256").update(bytes).digest("hex");
      first!.bytes = bytes.length;
    });
    expect(await refusalOf(restore({ data: join(folder, "o") }))).toMatch(
      /was made by a newer Synchro \(schema 99/,
    );
  });
});

describe("a backup beside pushes", () => {
  test("ends, and holds all that was acknowledged before it began, each time", async () => {
    const store = await open(data, "worker");
    let made = 0;
    const over = new AbortController();
    const acked = new Map<string, number>();
    const push = async (client: number): Promise<void> => {
      while (!over.signal.aborted) {
        made += 1;
        const key = `c${client}-${made % 300}`;
        const stamp = systemRuntime.now();
        const changes = [write(key, stamp, { made, text: "x".repeat(200) })];
        const { results } = await pushTo(store, changes, { now: stamp });
        const [result] = results;
        if (result?.kind === "applied") acked.set(key, result.seq);
      }
    };
    const pushing = Promise.all(Array.from({ length: 8 }, (_, client) => push(client)));
    for (let round = 0; round < 6; round += 1) {
      await sleep(60);
      const before = new Map(acked);
      const backup = join(folder, `b${round}`);
      await makeBackup(deps, { data, backup });
      const into = join(folder, `d${round}`);
      await restore({ backup, data: into });
      const restored = await open(into);
      const { records } = await pullRun(restored);
      const held = new Map(records.map(({ key, seq }) => [key, seq]));
      for (const [key, seq] of before) expect(held.get(key) ?? 0).toBeGreaterThanOrEqual(seq);
      await expectDigests(restored, space);
      await restored.close();
    }
    over.abort();
    await pushing;
    expect(acked.size).toBeGreaterThan(200);
    await expectDigests(store, space);
  });
});

describe("a restore", () => {
  test("into an empty folder lists a new epoch at once in every space, and asks for what the backup lacks", async () => {
    await fill(["a", "b"]);
    await backUp();
    const kept = await open();
    const { position: held } = await pullRun(kept);
    await kept.close();
    await fill(["c"]);
    const before = await open();
    const { position: ahead } = await pullRun(before);
    await before.close();
    const other = join(folder, "other");
    await restore({ data: other });
    const store = await open(other);
    const state = await store.describeSpace(space);
    expect(state?.epochs).toHaveLength(2);
    expect(state?.epochs.at(-1)).toMatchObject({ fromSeq: 2 });
    expect((await store.pull(pullRequest({ cursor: ahead }))).reset).toBe("offer");
    expect((await store.pull(pullRequest({ cursor: held }))).reset).toBeNull();
    // Nothing else is in the folder than what the store itself has made.
    expect(readdirSync(other).filter((name) => name.startsWith("re"))).toEqual([]);
  });

  test("over data refuses, unless it may keep them aside: there they are whole", async () => {
    await fill(["a"]);
    await backUp();
    await fill(["b"]);
    expect(await refusalOf(restore())).toBe(
      `${data} holds data already: name an empty folder, or add --replace to keep them aside`,
    );
    expect(await keysIn()).toEqual(["a", "b"]);
    const { replaced } = await restore({ replaces: true });
    expect(await keysIn()).toEqual(["a"]);
    expect(await keysIn(replaced ?? "")).toEqual(["a", "b"]);
    await restore({ replaces: true });
    expect(readdirSync(data).filter((name) => name.startsWith("replaced-"))).toHaveLength(2);
  });

  test("is refused while a server has the data, and changes nothing", async () => {
    await fill(["a"]);
    await backUp();
    const store = await open();
    await pushTo(store, [write("b", at(9), {})]);
    expect(await refusalOf(restore({ replaces: true }))).toContain("is open in another process");
    await store.close();
    expect(await keysIn()).toEqual(["a", "b"]);
  });

  test("[EPOCH-7] [RESET-10] that is final answers drop to what it gave up, for ever", async () => {
    await fill(["a"]);
    await backUp();
    const kept = await open();
    const { position: held } = await pullRun(kept);
    await kept.close();
    await fill(["mistake"]);
    const before = await open();
    const { position: mistaken } = await pullRun(before);
    await before.close();
    await restore({ replaces: true, isFinal: true });
    const first = await open();
    const resetOf = async (store: Store, cursor: typeof mistaken) =>
      (await store.pull(pullRequest({ cursor }))).reset;
    expect(await resetOf(first, mistaken)).toBe("drop");
    expect(await resetOf(first, held)).toBeNull();
    await pushTo(first, [write("since", at(5), {})]);
    const { position: since } = await pullRun(first);
    expect(lifeOf(since!.epoch)).toBe(1);
    await first.close();
    // The first backup again, not finally: what came since is wanted back, the mistake is not.
    await restore({ replaces: true });
    const second = await open();
    expect(await resetOf(second, mistaken)).toBe("drop");
    expect(await resetOf(second, since)).toBe("offer");
    await second.close();
    await restore({ replaces: true, isFinal: true });
    const third = await open();
    expect(await resetOf(third, since)).toBe("drop");
    expect(lifeOfSpace((await third.describeSpace(space))?.epochs ?? [])).toBe(2);
  });

  test("[RESET-3] [EPOCH-7] that is final remembers spaces that the backup does not have", async () => {
    await fill(["a"]);
    await backUp();
    await fill(["x"], otherSpace);
    const before = await open();
    const { position } = await pullRun(before, { space: otherSpace });
    await before.close();
    await restore({ replaces: true, isFinal: true });
    const store = await open();
    const request = { space: otherSpace, cursor: position };
    expect(await store.pull(pullRequest(request))).toMatchObject({ reset: "drop", head: 0 });
    await store.close();
    // Not finally, from an older one: it stays so; one of no life is absent, and asks.
    await restore({ replaces: true });
    const again = await open();
    expect((await again.pull(pullRequest(request))).reset).toBe("drop");
    await again.close();
    rmSync(data, { recursive: true });
    await restore();
    expect((await (await open()).pull(pullRequest(request))).reset).toBe("offer");
  });

  test("over data that can't be read keeps them, log and all, and says that their lives are unknown", async () => {
    await fill(["a"]);
    await backUp();
    writeFileSync(join(data, "synchro.db"), "Dear diary, ".repeat(900));
    writeFileSync(join(data, "synchro.db-wal"), "and a log");
    const { replaced, knowsLives } = await restore({ replaces: true });
    expect(knowsLives).toBe(false);
    expect(readFileSync(join(replaced ?? "", "synchro.db-wal"), "utf8")).toBe("and a log");
    expect(await keysIn()).toEqual(["a"]);
  });

  test("leaves what else a server knows, where the backup has nothing of it", async () => {
    await fill(["a"]);
    await backUp();
    const control = await openSqliteControlStore({ dataDir: data });
    const by = { actor: "cli:ann@desk", now: start };
    await control.createSpace({ id: otherSpace, title: "Two", recordsMax: null }, by);
    await control.close();
    expect(await restore({ replaces: true })).toMatchObject({ kept: ["control.db"] });
    const again = await openSqliteControlStore({ dataDir: data });
    expect(await again.listSpaces()).toMatchObject([{ id: otherSpace }]);
    await again.close();
  });
});

const chance = (round: number): number => (round * 0.618_033_988) % 1;

describe("kill -9", () => {
  const many = (prefix: string): readonly string[] =>
    Array.from({ length: 3_000 }, (_, n) => `${prefix}-${n}`);

  /** Runs a command and kills it some time after its first 150 ms, in which Node starts. */
  const runAndKill = async (args: readonly string[], round: number): Promise<boolean> => {
    const { child, ended } = startCli(args, { cwd: folder });
    await sleep(150 + chance(round) * 400);
    child.kill("SIGKILL");
    return (await ended).code === 0;
  };

  test(
    "in a restore leaves the old data whole, or the backup's",
    { timeout: 120_000 },
    async () => {
      await fill(many("old"));
      await backUp();
      await fill(many("new"));
      const seen = new Set<number>();
      for (let round = 0; round < 12; round += 1) {
        await runAndKill(["restore", file, "--data", data, "--replace"], round);
        const { spaces } = inspectFolder(data);
        const [facts] = spaces;
        seen.add(facts?.live ?? 0);
        expect([3_000, 6_000]).toContain(facts?.live);
        const store = await open();
        await expectDigests(store, space);
        // As it was, so that the next has something to do.
        if (facts?.live === 3_000) {
          await pushTo(
            store,
            many("new").map((key, n) => write(key, at(n), { n })),
          );
        }
        await store.close();
      }
      const outcome = await startCli(["restore", file, "--data", data, "--replace"], {
        cwd: folder,
      }).ended;
      expect(outcome).toMatchObject({ code: 0 });
      expect(readdirSync(data).filter((name) => name.startsWith("restoring-"))).toEqual([]);
      expect(await keysIn()).toHaveLength(3_000);
    },
  );

  test(
    "in a backup leaves nothing under its name, or a whole one",
    { timeout: 120_000 },
    async () => {
      await fill(many("k"));
      let whole = 0;
      for (let round = 0; round < 12; round += 1) {
        const target = join(folder, `backup-${round}`);
        await runAndKill(["backup", target, "--data", data], round);
        if (!existsSync(target)) continue;
        whole += 1;
        await verifyBackup(backupEngine, target);
      }
      expect(whole).toBeLessThan(12);
      expect(await keysIn()).toHaveLength(3_000);
    },
  );
});

const isRoot = process.getuid?.() === 0;
const why = isRoot ? "" : " (not run: only root can mount a small one)";

describe.skipIf(!isRoot)(`a disk that is full${why}`, () => {
  let disk: string;

  const run = (command: string, args: readonly string[]): void => {
    const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  };

  beforeEach(() => {
    disk = join(folder, "disk");
    mkdirSync(disk);
    run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
  });

  afterEach(() => run("umount", [disk]));

  const big = Array.from({ length: 12_000 }, (_, n) => `key-${n}`);

  test("gets no backup, and nothing is left of it", async () => {
    await fill(big);
    const told = await refusalOf(backUp(join(disk, "b")));
    expect(told).toMatch(/no room on the disk/);
    expect(readdirSync(disk)).toEqual([]);
  });

  test("gets no restore, and what is there stays", async () => {
    const small = join(disk, "data");
    const first = await open(small);
    await pushTo(first, [write("mine", at(1), {})]);
    await first.close();
    await fill(big);
    await backUp();
    expect(await refusalOf(restore({ data: small, replaces: true }))).toMatch(
      /no room on the disk/,
    );
    expect(await keysIn(small)).toEqual(["mine"]);
    expect(readdirSync(small).filter((name) => name.startsWith("re"))).toEqual([]);
  });
});
