import { type Epoch, type Runtime, toHex } from "@synchro/core";

/**
 * What tells one unbroken life of a database from another, read once a connection: the timeline of
 * a primary changes only by a recovery, and no connection of it outlives that.
 */
export type DatabaseIdentity = {
  /** Of the cluster: drawn by `initdb`. */
  readonly systemIdentifier: string;
  /** One more with each promotion and each recovery to a point in time. */
  readonly timeline: number;
  /** The database's number within the cluster. */
  readonly oid: number;
};

const EPOCH_DIGITS = 20;

/**
 * An expression for what tells lives apart within one database, text. The number of its table is
 * another one after a dump was read back; the nonce is drawn anew by `synchro epoch new`, for copies
 * that nothing else tells from their original. A push reads it in the statement that locks its
 * space: nodes that run must not go on in a life that has ended.
 */
export const LIFE_SQL = "(SELECT tableoid::int8 || '.' || nonce FROM synchro.database_life)";

/** The epoch of a database, the same on every node; `life` as `LIFE_SQL` reads it. Spec: EPOCH-4, EPOCH-5. */
export const epochOf = (
  { systemIdentifier, timeline, oid }: DatabaseIdentity,
  life: string,
  { sha256 }: Pick<Runtime, "sha256">,
): Epoch => {
  const text = [systemIdentifier, timeline, oid, life].join("/");
  return toHex(sha256(text)).slice(0, EPOCH_DIGITS) as Epoch;
};
