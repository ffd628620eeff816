import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { StartError } from "../config/start-error.ts";
import type { RejectedRow } from "./run-import.ts";

const BUFFER_LENGTH = 64 * 1024;

/** Where an import's rejected rows are listed, one JSON object a line. */
export class RejectedFile {
  readonly path: string;
  #descriptor: number | null = null;
  #buffer = "";
  #first: RejectedRow | null = null;

  constructor(path: string) {
    this.path = path;
  }

  /** The first row that was added; null: there was none. */
  get first(): RejectedRow | null {
    return this.#first;
  }

  /** @throws StartError at the first row if there is no place for a list, or later if it is full. */
  add(row: RejectedRow): void {
    this.#descriptor ??= this.#tried(() => openSync(this.path, "w"));
    this.#first ??= row;
    this.#buffer += `${JSON.stringify(row)}\n`;
    if (this.#buffer.length >= BUFFER_LENGTH) this.#flush(this.#descriptor);
  }

  /** Writes what is left. A file that an earlier run left goes if this one has rejected nothing. */
  close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === null) {
      this.#tried(() => rmSync(this.path, { force: true }));
      return;
    }
    this.#descriptor = null;
    try {
      this.#flush(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #flush(descriptor: number): void {
    const buffer = this.#buffer;
    this.#buffer = "";
    this.#tried(() => writeFileSync(descriptor, buffer));
  }

  #tried<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(`${this.path}: rejected rows can't be listed there: ${reason}`);
    }
  }
}
