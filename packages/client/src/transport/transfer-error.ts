/**
 * Why a transfer came to nothing. Its message is safe to show and to log: it is written here, and
 * never taken over from the platform, whose messages may quote headers and so a token.
 */
export class TransferError extends Error {
  override readonly name = "TransferError";
  /** Whether the caller's signal did it. */
  readonly isStopped: boolean;

  constructor(reason: string, isStopped = false) {
    super(reason);
    this.isStopped = isStopped;
  }
}

const CODE_FORM = /^[A-Z][A-Z0-9_]{1,40}$/;

const codeOf = (error: unknown): string | null => {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" && CODE_FORM.test(error.code) ? error.code : null;
};

/** What the platform threw, told by its error code at most (`ECONNREFUSED`). */
export const transferErrorOf = (error: unknown, what: string): TransferError => {
  if (error instanceof TransferError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = codeOf(cause) ?? codeOf(error);
  return new TransferError(code === null ? what : `${what} (${code})`);
};
