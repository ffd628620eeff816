import type { DatabaseAddress } from "./database-address.ts";
import { DatabaseRefusedError } from "./database-refused-error.ts";
import {
  type ConnectionOptions,
  openConnection,
  type PostgresConnection,
} from "./postgres-connection.ts";
import { messageOf } from "./postgres-failure.ts";
import { PostgresPool, type PostgresPoolOptions } from "./postgres-pool.ts";

/** What was said of a database, without the password, wherever it may stand. */
const withoutSecret = (message: string, address: DatabaseAddress): string => {
  const password = address.password() ?? "";
  const forms = [password, encodeURIComponent(password)].filter((form) => form !== "");
  return forms.reduce((text, form) => text.replaceAll(form, "…"), message);
};

/**
 * Opens a connection for somebody who waits for it at a terminal.
 *
 * @throws DatabaseRefusedError in one line, whatever the reason.
 */
export const reachDatabase = async (options: ConnectionOptions): Promise<PostgresConnection> => {
  try {
    return await openConnection(options);
  } catch (error) {
    if (error instanceof DatabaseRefusedError) throw error;
    const { address } = options;
    const message = withoutSecret(messageOf(error), address);
    throw new DatabaseRefusedError(`${address.shown}: can't be opened: ${message}`, {
      cause: error,
    });
  }
};

/** A pool over a database that can be reached now. @throws DatabaseRefusedError in one line. */
export const openPostgresPool = async (options: PostgresPoolOptions): Promise<PostgresPool> => {
  const first = await reachDatabase(options);
  first.destroy();
  return new PostgresPool(options);
};
