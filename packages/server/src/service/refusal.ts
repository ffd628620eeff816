import type { RejectionCode } from "@synchro/core";

/** The first thing wrong with a change; `path` is an RFC 6901 pointer within it. */
export class Refusal extends Error {
  readonly code: RejectionCode;
  readonly path: string;
  constructor(code: RejectionCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}
