/** A call came after `close`, or after a failure that ended the store. */
export class StoreClosedError extends Error {
  override readonly name = "StoreClosedError";

  constructor(options?: ErrorOptions) {
    super("the store is closed", options);
  }
}
