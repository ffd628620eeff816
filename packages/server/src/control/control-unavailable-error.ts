/**
 * The disk has no room, another process holds the data for long, or a sync failed. Nothing of the
 * call stands; after the first two the same call may pass later.
 */
export class ControlUnavailableError extends Error {
  override readonly name = "ControlUnavailableError";
  readonly reason: "full" | "busy" | "broken";

  constructor(reason: "full" | "busy" | "broken", options?: ErrorOptions) {
    super(messages[reason], options);
    this.reason = reason;
  }
}

const messages = {
  full: "no room on the disk",
  busy: "another process holds the data",
  broken: "the disk can't be trusted any more",
} as const;
