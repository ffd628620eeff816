/** A database that is not taken, for a reason that its operator can mend: one line, without a secret. */
export class DatabaseRefusedError extends Error {
  override readonly name = "DatabaseRefusedError";
}
