import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import type { Runtime } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import type { BackupEngine, Lives } from "./backup-engine.ts";
import { diskError } from "./disk-error.ts";
import { syncFolder, syncPath } from "./durable-files.ts";
import type { BackupDeps } from "./make-backup.ts";
import type { Manifest } from "./manifest.ts";
import { verifyBackup } from "./verify-backup.ts";

export type RestoreWish = {
  readonly backup: string;
  /** The data folder, absolute. */
  readonly data: string;
  /** Whether what clients hold beyond the backup is given up. */
  readonly isFinal: boolean;
  /** Whether data that are there may be moved aside. */
  readonly replaces: boolean;
};

export type Restored = {
  readonly manifest: Manifest;
  /** Where the data went that were there; null: there were none. */
  readonly replaced: string | null;
  /** False: what was there can't be read, so nobody knows how often it had been given up. */
  readonly knowsLives: boolean;
  /** Files that the backup does not have, and that stay as they are. */
  readonly kept: readonly string[];
};

const STAGE_PREFIX = "restoring-";
const FILE_MODE = 0o600;

/** `20261124T101500.000000Z`: a time as part of a file's name. */
const timeInName = (runtime: Pick<Runtime, "now">): string => runtime.now().replaceAll(/[-:]/g, "");

const logsOf = (name: string): readonly string[] => [`${name}-wal`, `${name}-shm`];

/** What an earlier restore left that was cut off: copies, which nobody needs. */
const removeStages = (data: string): void => {
  for (const entry of readdirSync(data)) {
    if (entry.startsWith(STAGE_PREFIX)) rmSync(join(data, entry), { recursive: true, force: true });
  }
};

/** A second name for a file; where the disk knows no such thing, a copy. */
const keepAside = (from: string, to: string): void => {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    syncPath(to);
  }
};

/** Gives a file the owner and the mode of what it replaces, or, made by root, the folder's owner. */
const adoptOwner = (path: string, present: string, data: string): void => {
  const like = statSync(present, { throwIfNoEntry: false });
  chmodSync(path, like === undefined ? FILE_MODE : like.mode & 0o777);
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = like ?? statSync(data);
  chownSync(path, uid, gid);
};

const stage = (
  { engine, onProgress }: Pick<BackupDeps, "engine" | "onProgress">,
  wish: RestoreWish,
  from: { readonly names: readonly string[]; readonly folder: string; readonly lives: Lives },
): void => {
  const [records] = engine.files;
  mkdirSync(from.folder);
  for (const name of from.names) {
    const path = join(from.folder, name);
    onProgress(`copying ${name}`, 0);
    copyFileSync(join(wish.backup, name), path, constants.COPYFILE_FICLONE);
    chmodSync(path, FILE_MODE);
    if (name === records.name) {
      engine.beginLives(path, { replaced: from.lives, isFinal: wish.isFinal });
    }
    adoptOwner(path, join(wish.data, name), wish.data);
    syncPath(path);
  }
  syncFolder(from.folder);
};

/** Keeps what is there under names of its own, too; in their place nothing changes yet. */
const setAside = (data: string, names: readonly string[], folder: string): void => {
  mkdirSync(folder);
  for (const name of names.flatMap((each) => [each, ...logsOf(each)])) {
    if (existsSync(join(data, name))) keepAside(join(data, name), join(folder, name));
  }
  syncFolder(folder);
  syncFolder(data);
};

/**
 * Puts each staged file in its place. A kill between two files leaves the records restored, and what
 * else a server knows as it was: never half a file, never one with another's log.
 */
const putInPlace = (data: string, names: readonly string[], folder: string): void => {
  for (const name of names) {
    // Of data that can't be read a log may be left, and it would be taken for the new file's.
    for (const log of logsOf(name)) rmSync(join(data, log), { force: true });
    renameSync(join(folder, name), join(data, name));
    syncFolder(data);
  }
  rmSync(folder, { recursive: true, force: true });
};

/** Brings logs into their files, so that each file alone is whole. Null: what is there can't be read. */
const settle = (engine: BackupEngine, data: string, present: readonly string[]): Lives | null => {
  const [records] = engine.files;
  let lives: Lives | null = new Map();
  for (const name of present) {
    const found = engine.settle(join(data, name));
    if (name === records.name) lives = found;
  }
  return lives;
};

/**
 * Takes a verified backup into a data folder and begins an epoch that every space lists at once. The
 * folder is empty, or what is there is kept in `replaced-TIME` within it, and never deleted. A kill
 * at any moment leaves either all of what was there or the backup's records in place, each whole.
 *
 * @throws StartError in one line.
 */
export const restoreBackup = async (deps: BackupDeps, wish: RestoreWish): Promise<Restored> => {
  const { engine, runtime, onProgress } = deps;
  const { backup, data } = wish;
  onProgress("checking the backup", 0);
  const manifest = await verifyBackup(engine, backup);
  engine.ensureFolder(data);
  const lock = engine.lock(data);
  try {
    const known = engine.files.map(({ name }) => name);
    const present = known.filter((name) =>
      [name, ...logsOf(name)].some((each) => existsSync(join(data, each))),
    );
    if (present.length > 0 && !wish.replaces) {
      throw new StartError(
        `${data} holds data already: name an empty folder, or add --replace to keep them aside`,
      );
    }
    removeStages(data);
    const names = known.filter((name) => manifest.files.some((file) => file.name === name));
    const lives = settle(engine, data, present);
    const time = timeInName(runtime);
    const staged = join(data, `${STAGE_PREFIX}${time}`);
    stage(deps, wish, { names, folder: staged, lives: lives ?? new Map() });
    const replaced = present.length === 0 ? null : join(data, `replaced-${time}`);
    // What the backup does not have is not replaced, so it is not kept aside either.
    const kept = present.filter((name) => !names.includes(name));
    const leaving = present.filter((name) => names.includes(name));
    if (replaced !== null) setAside(data, leaving, replaced);
    putInPlace(data, names, staged);
    return { manifest, replaced, knowsLives: lives !== null, kept };
  } catch (error) {
    removeStages(data);
    throw diskError(error, data);
  } finally {
    lock.release();
  }
};
