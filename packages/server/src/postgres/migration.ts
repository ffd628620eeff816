/**
 * One step of the schema. It runs once, in a transaction, while servers of the version before are
 * at work: it adds, and never renames, removes or rewrites what they use. Never altered afterwards.
 */
export type Migration = {
  /** Unique; a room's numbers ascend. Below 100: what this room and `control/` need; from 100 on: records. */
  readonly number: number;
  /** For people. */
  readonly name: string;
  readonly statements: readonly string[];
};
