import type { Fault } from "../collection/field.ts";
import type { EntryId } from "../store/outbox-entry.ts";

/** A value that may not be put: nothing was written. `faults` name each field by its path, with the rule. */
export class InvalidValueError extends Error {
  override readonly name = "InvalidValueError";
  readonly faults: readonly Fault[];

  constructor(collection: string, faults: readonly Fault[]) {
    const [first] = faults;
    const others = faults.length > 1 ? `, and ${faults.length - 1} more` : "";
    super(`${collection}: ${first?.message ?? "the value is not valid"}${others}`);
    this.faults = faults;
  }
}

/** Why `synced` of a write rejects: the server refused it for good, or its user discarded it. It is durable on the device until then. */
export class WriteRefusedError extends Error {
  override readonly name = "WriteRefusedError";
  /** Of the outbox entry or the dead letter. */
  readonly id: EntryId;
  /** A rejection code of the protocol, `discarded`, or `closed`: the client was closed before the server answered, and the change waits in the outbox. */
  readonly code: string;
  /** A JSON pointer within the change; empty for the change itself. */
  readonly path: string;

  constructor(
    id: EntryId,
    why: { readonly code: string; readonly message: string; readonly path: string },
  ) {
    super(why.message);
    this.id = id;
    this.code = why.code;
    this.path = why.path;
  }
}

/** Why `logout` and `destroy` refuse: there is work that no server has. `client.outbox.export()` gives it out. */
export class UnsentWorkError extends Error {
  override readonly name = "UnsentWorkError";
  readonly pending: number;
  readonly rejected: number;

  constructor(pending: number, rejected: number) {
    super(
      `${pending} changes were not sent and ${rejected} were refused: outbox.export() gives them out, { force: true } loses them`,
    );
    this.pending = pending;
    this.rejected = rejected;
  }
}
