import { statSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../config/start-error.ts";
import type { BackupEngine } from "./backup-engine.ts";
import { hashFile } from "./durable-files.ts";
import { type Manifest, type ManifestFile, readManifest } from "./manifest.ts";

const checkBytes = async (backup: string, file: ManifestFile): Promise<void> => {
  const path = join(backup, file.name);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new StartError(`${backup} is damaged: ${file.name} is missing`);
  if (size !== file.bytes || (await hashFile(path)) !== file.sha256) {
    throw new StartError(`${backup} is damaged: ${file.name} is not the file that was backed up`);
  }
};

/** Holds what the records are against what the manifest says that they are. */
const checkFacts = (engine: BackupEngine, backup: string, manifest: Manifest): void => {
  const { spaces } = engine.inspect(join(backup, engine.files[0].name));
  const told = (of: readonly Manifest["spaces"][number][]): string =>
    of
      .map(({ space, head, live, tombstones }) => [space, head, live, tombstones].join(" "))
      .join("\n");
  if (told(spaces) !== told(manifest.spaces)) {
    throw new StartError(`${backup} is damaged: its records are not those that its manifest tells`);
  }
};

/**
 * Looks whether a backup is whole: every file has the bytes that were backed up, is a whole database
 * of ours, of a version that this program knows, and holds what the manifest says. Writes nothing.
 *
 * @throws StartError in one line.
 */
export const verifyBackup = async (engine: BackupEngine, backup: string): Promise<Manifest> => {
  const manifest = readManifest(backup);
  for (const { name, isRequired, check } of engine.files) {
    const file = manifest.files.find((each) => each.name === name);
    if (file === undefined) {
      if (isRequired) throw new StartError(`${backup} is damaged: it has no ${name}`);
      continue;
    }
    await checkBytes(backup, file);
    check(join(backup, name));
  }
  checkFacts(engine, backup, manifest);
  return manifest;
};
