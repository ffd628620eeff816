import { type FileHandle, open } from "node:fs/promises";
import { platform } from "node:process";
import { StartError } from "../config/start-error.ts";

/** Readable and writable by others, or writable by the group. */
const TOO_OPEN = 0o027;

const FILE_BYTES_MAX = 1024 * 1024;

const systemReason = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOENT") return "there is no such file: make one with synchro key new";
  if (code === "EACCES") return "this user may not read it";
  return typeof code === "string" ? code : "the system refuses it";
};

const readOpened = async (path: string, file: FileHandle): Promise<string> => {
  // Of the file that is open, not of its name: it can't be changed for another in between.
  const { mode, size } = await file.stat();
  if (platform !== "win32" && (mode & TOO_OPEN) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, "0");
    throw new StartError(
      `${path}: its mode ${shown} lets others read or change the keys: chmod 600 ${path}`,
    );
  }
  if (size > FILE_BYTES_MAX) throw new StartError(`${path}: is larger than any file of keys`);
  return file.readFile("utf8");
};

/**
 * The text of a key file that nobody but its owner and its group can read, and its owner change.
 * (Windows has no such modes.)
 *
 * @throws StartError that names the file and the rule.
 */
export const readKeyFile = async (path: string): Promise<string> => {
  let file: FileHandle | null = null;
  try {
    file = await open(path, "r");
    return await readOpened(path, file);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`${path}: can't be read: ${systemReason(error)}`);
  } finally {
    await file?.close();
  }
};
