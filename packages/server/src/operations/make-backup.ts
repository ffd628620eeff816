import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { formatStamp, type Runtime, toHex } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import { version } from "../version.ts";
import type { BackupEngine } from "./backup-engine.ts";
import { diskError } from "./disk-error.ts";
import { hashFile, syncFolder, syncPath } from "./durable-files.ts";
import { createManifest, type Manifest, MANIFEST_NAME, type ManifestFile } from "./manifest.ts";

/** What is under way, and how far it is: from 0 to 1. */
export type OnProgress = (what: string, share: number) => void;

export type BackupDeps = {
  readonly engine: BackupEngine;
  readonly runtime: Pick<Runtime, "now" | "randomBytes">;
  readonly onProgress: OnProgress;
};

/** Backups hold what devices prove themselves with: they are their owner's alone. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const isThere = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw diskError(error, path);
  }
};

const copyAll = async (
  { engine, onProgress }: BackupDeps,
  data: string,
  folder: string,
): Promise<readonly ManifestFile[]> => {
  const files: ManifestFile[] = [];
  for (const { name, check } of engine.files) {
    if (!existsSync(join(data, name))) continue;
    const path = join(folder, name);
    await engine.copy(join(data, name), path, (share) => onProgress(`copying ${name}`, share));
    chmodSync(path, FILE_MODE);
    syncPath(path);
    onProgress(`checking ${name}`, 0);
    const schema = check(path);
    files.push({ name, bytes: statSync(path).size, sha256: await hashFile(path), schema });
  }
  return files;
};

/**
 * Makes a backup of the data in a folder, also while a server writes them: a folder with a copy of
 * each database and a manifest. What was acknowledged before the call is in it. It appears under its
 * name at one moment, whole, checked and durable, or not at all; what stood there before stays.
 *
 * @throws StartError in one line.
 */
export const makeBackup = async (
  deps: BackupDeps,
  { data, backup }: { readonly data: string; readonly backup: string },
): Promise<Manifest> => {
  const { engine, runtime } = deps;
  const target = resolve(backup);
  const [records] = engine.files;
  if (!existsSync(join(data, records.name))) {
    throw new StartError(`there is no database in ${data}: name its folder with --data`);
  }
  if (isThere(target)) {
    throw new StartError(`${target} is there already: name another, backups are never overwritten`);
  }
  const draft = join(
    dirname(target),
    `.${basename(target)}.partial-${toHex(runtime.randomBytes(4))}`,
  );
  const madeAt = runtime.now();
  try {
    mkdirSync(draft, { mode: FOLDER_MODE });
    const files = await copyAll(deps, data, draft);
    const { spaces } = engine.inspect(join(draft, records.name));
    const manifest = createManifest({
      synchro: version,
      made_at: formatStamp(madeAt),
      files,
      spaces: spaces.map(({ space, head, live, tombstones }) => ({
        space,
        head,
        live,
        tombstones,
      })),
    });
    const path = join(draft, MANIFEST_NAME);
    writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`, { mode: FILE_MODE });
    syncPath(path);
    syncFolder(draft);
    if (isThere(target)) throw new StartError(`${target} was made by somebody else meanwhile`);
    renameSync(draft, target);
    syncFolder(dirname(target));
    return manifest;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw diskError(error, target);
  }
};
