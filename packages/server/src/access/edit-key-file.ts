import { existsSync } from "node:fs";
import { chmod, chown, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { JsonObject } from "@synchro/core";
import { StartError } from "../config/start-error.ts";
import { readKeyFile } from "./read-key-file.ts";
import { type KeySet, readKeys } from "./read-keys.ts";
import { parseStrictJson } from "./strict-json.ts";

const NEW_FILE_MODE = 0o600;

/** The file as it is: what it says besides keys stays; nothing where there is no file. */
const readFileObject = async (path: string): Promise<JsonObject> => {
  if (!existsSync(path)) return {};
  const text = await readKeyFile(path);
  await readKeys(text, path);
  return parseStrictJson(text) ?? {};
};

const syncFolder = async (path: string): Promise<void> => {
  // Windows can't sync a folder, and keeps its entries without.
  if (process.platform === "win32") return;
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Gives the new file to whom the old one belonged: its server must be able to read it. */
const keepOwner = async (path: string, draft: string): Promise<void> => {
  if (!existsSync(path) || process.platform === "win32") return;
  const { mode, uid, gid } = await stat(path);
  await chmod(draft, mode & 0o777);
  const isOwn = uid === process.geteuid?.() && gid === process.getegid?.();
  if (!isOwn) await chown(draft, uid, gid);
};

const openDraft = async (draft: string) => {
  try {
    // Also a lock: two that edit at a time would lose a key.
    return await open(draft, "wx", NEW_FILE_MODE);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new StartError(
      code === "EEXIST"
        ? `${draft} is there already: another command changes the keys, or one was cut off (then remove it)`
        : `${draft}: can't be written (${code})`,
    );
  }
};

/**
 * Changes the keys of a file in one step: whoever reads it meanwhile gets the old ones or the new
 * ones, also after a crash. Only its owner can read a file that is made. Gives the keys that the
 * file then has.
 *
 * @throws StartError in one line; the file is then as it was.
 */
export const editKeyFile = async (
  path: string,
  edit: (keys: readonly JsonObject[]) => readonly JsonObject[],
): Promise<KeySet> => {
  const draft = `${path}.new`;
  const file = await openDraft(draft);
  try {
    const before = await readFileObject(path);
    const keys = edit((before["keys"] ?? []) as readonly JsonObject[]);
    const text = `${JSON.stringify({ ...before, keys }, null, 2)}\n`;
    const edited = await readKeys(text, path);
    await file.writeFile(text);
    await file.sync();
    await keepOwner(path, draft);
    await rename(draft, path);
    await syncFolder(path);
    return edited;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
};
