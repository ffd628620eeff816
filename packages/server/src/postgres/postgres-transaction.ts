import { DatabaseError, type QueryArrayConfig, type QueryArrayResult } from "pg";
import type { DatabaseIdentity } from "./database-epoch.ts";
import type { PostgresConnection } from "./postgres-connection.ts";
import { SPACE_SETTING } from "./space-policy.ts";
import type { Statement } from "./statement.ts";

export type Written<Row extends readonly unknown[]> = {
  readonly rows: readonly Row[];
  /** Rows that it touched. */
  readonly count: number;
};

/** What reads within a transaction. Rows are arrays: numbers are numbers, JSON and times are text. */
export type PostgresReader = {
  readonly identity: DatabaseIdentity;
  /**
   * Sent at once, behind `BEGIN` and whatever was sent before: statements that are started together
   * cost one round trip, and are answered in order. Each is one of its own, with its own snapshot at
   * read committed. None may be left unawaited.
   */
  readonly read: <Row extends readonly unknown[]>(
    statement: Statement,
    values?: readonly unknown[],
  ) => Promise<readonly Row[]>;
};

/** A transaction that is open. It is its caller's until the work that was given it has ended. */
export type PostgresTransaction = PostgresReader & {
  /**
   * The same for what alters rows: it waits until it is sure that the transaction has begun, for
   * outside of one each statement would be committed by itself.
   */
  readonly write: <Row extends readonly unknown[]>(
    statement: Statement,
    values?: readonly unknown[],
  ) => Promise<Written<Row>>;
  /** Does work of which either all stands or nothing; when it fails the transaction goes on without. */
  readonly attempt: <Result>(work: () => Promise<Result>) => Promise<Result>;
};

export type Isolation = "read committed" | "snapshot";

const beginnings = {
  "read committed": "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
  snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
} as const;

/** `in_failed_sql_transaction` (manual, Appendix A). */
const FAILED_TRANSACTION = "25P02";

/** A transaction on a connection that is nobody else's; `PostgresPool` ends it. */
export type OpenTransaction = PostgresTransaction & {
  /** Answered once the transaction has begun. */
  readonly begun: Promise<unknown>;
  /** A statement without parameters or rows; answers what it was, as PostgreSQL names it. */
  readonly command: (text: string) => Promise<string>;
};

type Sender = {
  readonly send: <Row extends readonly unknown[]>(
    statement: Statement,
    values: readonly unknown[],
  ) => Promise<QueryArrayResult<Row & unknown[]>>;
  readonly command: OpenTransaction["command"];
  /** The transaction goes on: what failed was taken back. */
  readonly forgive: () => void;
};

/**
 * Sends statements of one transaction. Of those that were sent together, the ones behind one that
 * failed are told only that the transaction has failed, and who hears of it first depends on how
 * often each was passed on: all of them tell the first failure.
 */
const createSender = ({ client, guard }: PostgresConnection): Sender => {
  let failure: Error | null = null;
  const answerOf = async <Result>(answer: Promise<Result>): Promise<Result> => {
    try {
      return await guard(answer);
    } catch (error) {
      const isEcho = error instanceof DatabaseError && error.code === FAILED_TRANSACTION;
      if (failure !== null && isEcho) throw failure;
      if (error instanceof Error) failure ??= error;
      throw error;
    }
  };
  return {
    send: <Row extends readonly unknown[]>(
      { name, text }: Statement,
      values: readonly unknown[],
    ) => {
      const query: QueryArrayConfig = { name, text, values: [...values], rowMode: "array" };
      return answerOf(client.query<Row & unknown[]>(query));
    },
    command: async (text) => (await answerOf(client.query(text))).command,
    forgive: () => {
      failure = null;
    },
  };
};

/** Begins a transaction. Whose rows it may touch is said along with it: no round trip of its own. */
export const beginTransaction = (
  connection: PostgresConnection,
  of: { readonly isolation: Isolation; readonly space: string },
): OpenTransaction => {
  const { client, guard, identity } = connection;
  const { send, command, forgive } = createSender(connection);
  const space = client.escapeLiteral(of.space);
  const begun = guard(
    client.query(`${beginnings[of.isolation]}; SET LOCAL ${SPACE_SETTING} = ${space}`),
  );
  // Whoever needs it awaits it; until then its failure is nobody's.
  begun.catch(() => {});

  let savepoints = 0;
  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await begun;
    savepoints += 1;
    const name = `s${savepoints}`;
    const marked = command(`SAVEPOINT ${name}`);
    marked.catch(() => {});
    try {
      const result = await work();
      await marked;
      await command(`RELEASE SAVEPOINT ${name}`);
      return result;
    } catch (error) {
      await command(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`);
      forgive();
      throw error;
    }
  };

  const read: OpenTransaction["read"] = async <Row extends readonly unknown[]>(
    statement: Statement,
    values: readonly unknown[] = [],
  ) => (await send<Row>(statement, values)).rows;

  const write = async <Row extends readonly unknown[]>(
    statement: Statement,
    values: readonly unknown[] = [],
  ): Promise<Written<Row>> => {
    await begun;
    const { rows, rowCount } = await send<Row>(statement, values);
    return { rows, count: rowCount ?? 0 };
  };

  return { identity, begun, command, attempt, read, write };
};
