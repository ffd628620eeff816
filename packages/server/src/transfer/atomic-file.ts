import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Runtime, toHex } from "@synchro/core";
import { StartError } from "../config/start-error.ts";

const failure = (path: string, error: unknown): StartError => {
  const reason = error instanceof Error ? error.message : String(error);
  return new StartError(`${path}: can't be written: ${reason}`);
};

/** What is to be replaced: behind links, so that they stay. */
const targetOf = (path: string): string => {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return path;
  // To rename over a device or a pipe would take its place.
  if (!found.isFile()) throw new StartError(`${path}: is not a file: write to - to use a pipe`);
  return realpathSync(path);
};

const syncDirectory = (path: string): void => {
  // Windows can't sync a directory, and keeps its entries without.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
};

/**
 * A file that is there whole or not at all: written beside its place, synced, and moved there by
 * `commit`. Before that nobody sees it, and what stood there stays.
 */
export class AtomicFile {
  readonly #path: string;
  readonly #target: string;
  readonly #temporary: string;
  #descriptor: number | null;

  /** @throws StartError naming the path. */
  constructor(path: string, runtime: Pick<Runtime, "randomBytes">) {
    this.#path = path;
    this.#target = targetOf(path);
    const suffix = toHex(runtime.randomBytes(6));
    this.#temporary = join(dirname(this.#target), `.${basename(this.#target)}.${suffix}.part`);
    try {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
      this.#descriptor = openSync(this.#temporary, flags);
    } catch (error) {
      throw failure(path, error);
    }
  }

  write(bytes: Uint8Array): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) throw new Error("the file is closed");
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    } catch (error) {
      throw failure(this.#path, error);
    }
  }

  /** Makes it durable and puts it in its place. */
  commit(): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) throw new Error("the file is closed");
    try {
      fsyncSync(descriptor);
      closeSync(descriptor);
      this.#descriptor = null;
      renameSync(this.#temporary, this.#target);
      syncDirectory(dirname(this.#target));
    } catch (error) {
      throw failure(this.#path, error);
    }
  }

  /** Leaves nothing behind, unless it was committed. */
  discard(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    rmSync(this.#temporary, { force: true });
  }
}
