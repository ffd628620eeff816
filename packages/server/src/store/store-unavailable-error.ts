/**
 * What keeps the records can't be had right now; the same request may pass soon.
 *
 * - `busy`: all connections are taken, or a lock or a statement took too long. Nothing of it stands.
 * - `lost`: the database went away, or is not what it was. Nothing of it stands.
 * - `unknown`: the commit was sent, and its answer is lost, or says that not every copy has it that
 *   should. It may stand or not. It is acknowledged to nobody, and whoever remembers what the data
 *   were before forgets that.
 */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  readonly reason: "busy" | "lost" | "unknown";

  constructor(reason: StoreUnavailableError["reason"], detail: string, options?: ErrorOptions) {
    super(`${messages[reason]}: ${detail}`, options);
    this.reason = reason;
  }
}

const messages = {
  busy: "the database is busy",
  lost: "the database can't be reached",
  unknown: "nobody knows whether the database has committed",
} as const;
