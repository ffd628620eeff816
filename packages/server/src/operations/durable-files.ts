import { closeSync, createReadStream, fsyncSync, openSync } from "node:fs";
import { createHash } from "node:crypto";

/** Makes a file's content, or a folder's entries, durable. */
export const syncPath = (path: string): void => {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** Makes the entries of a folder durable. Windows can't, and keeps them without. */
export const syncFolder = (path: string): void => {
  if (process.platform !== "win32") syncPath(path);
};

/** SHA-256 of a file, in hexadecimal, read piece by piece. */
export const hashFile = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  return hash.digest("hex");
};
