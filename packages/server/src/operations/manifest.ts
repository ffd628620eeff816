import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, type JsonObject, type JsonValue, parseStamp } from "@synchro/core";
import { StartError } from "../config/start-error.ts";

export const MANIFEST_NAME = "manifest.json";

/** The form of a backup. Raised when an older program could not read it any more. */
const FORMAT = 1;

/** A file of a backup. */
export type ManifestFile = {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly schema: number;
};

/** What a backup says of itself: `manifest.json`. */
export type Manifest = {
  readonly format: number;
  /** The version of the program that made it. */
  readonly synchro: string;
  readonly made_at: string;
  readonly files: readonly ManifestFile[];
  readonly spaces: readonly {
    readonly space: string;
    readonly head: number;
    readonly live: number;
    readonly tombstones: number;
  }[];
};

export const createManifest = (parts: Omit<Manifest, "format">): Manifest => ({
  format: FORMAT,
  ...parts,
});

const isCount = (value: JsonValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** Names within the backup's own folder: nothing that leads out of it. */
const isFileName = (value: JsonValue | undefined): value is string =>
  typeof value === "string" && /^[a-z]+\.db$/.test(value);

const isFile = (value: JsonValue): boolean =>
  isJsonObject(value) &&
  isFileName(value["name"]) &&
  isCount(value["bytes"]) &&
  isCount(value["schema"]) &&
  typeof value["sha256"] === "string" &&
  /^[0-9a-f]{64}$/.test(value["sha256"]);

const isSpace = (value: JsonValue): boolean =>
  isJsonObject(value) &&
  typeof value["space"] === "string" &&
  [value["head"], value["live"], value["tombstones"]].every(isCount);

const isManifest = (value: JsonObject): boolean =>
  typeof value["synchro"] === "string" &&
  typeof value["made_at"] === "string" &&
  parseStamp(value["made_at"]) !== null &&
  Array.isArray(value["files"]) &&
  value["files"].every(isFile) &&
  Array.isArray(value["spaces"]) &&
  value["spaces"].every(isSpace);

/**
 * Reads what a backup says of itself.
 *
 * @throws StartError in one line.
 */
export const readManifest = (backup: string): Manifest => {
  let text: string;
  try {
    text = readFileSync(join(backup, MANIFEST_NAME), "utf8");
  } catch {
    throw new StartError(`${backup} is not a backup: it has no ${MANIFEST_NAME}`);
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    throw new StartError(`${backup} is damaged: its ${MANIFEST_NAME} is not JSON`);
  }
  if (!isJsonObject(manifest) || !isCount(manifest["format"])) {
    throw new StartError(`${backup} is not a backup of Synchro`);
  }
  if (manifest["format"] > FORMAT) {
    throw new StartError(`${backup} was made by a newer Synchro: update Synchro`);
  }
  if (!isManifest(manifest)) {
    throw new StartError(`${backup} is damaged: its ${MANIFEST_NAME} lacks what it must say`);
  }
  return manifest as unknown as Manifest;
};
