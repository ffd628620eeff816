export type ClientStoreCode =
  /** No room, or over quota. Nothing of the transaction was applied; later ones may pass. */
  | "full"
  /** Another process or instance has these data open. */
  | "already_open"
  /** A newer program has written these data: this one can't read them. Nothing was touched. */
  | "newer_schema"
  /** What stands there is not a store of Synchro. Nothing was touched. */
  | "foreign_file"
  | "damaged"
  | "not_writable"
  /** `close` or `destroy` was called. */
  | "closed"
  /** The data went away or can't be trusted any more while they were open: evicted, upgraded by another tab, or a sync to disk failed. Only opening anew tells what is there. */
  | "lost";

/** Why a local store can't do what was asked of it. */
export class ClientStoreError extends Error {
  override readonly name = "ClientStoreError";
  readonly code: ClientStoreCode;

  constructor(code: ClientStoreCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
