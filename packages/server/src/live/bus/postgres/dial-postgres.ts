import { Client, type ClientConfig, type QueryResult } from "pg";
import type { Dial, Line } from "../line.ts";

/** Of its own in each database, so that nobody hears other databases' hints. */
const CHANNEL = "synchro_hints";

/**
 * Without `synchronous_commit` a NOTIFY waits for no disk and no standby. It must not: it holds a
 * lock that all notifying transactions of the server share until it has committed.
 */
const SETTINGS = "-c synchronous_commit=off -c statement_timeout=5000 -c idle_session_timeout=0";

const SEND = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload";

/** A pooler may have given the session to somebody else, and its channels with it. */
const PROBE = "SELECT FROM pg_listening_channels() AS channel WHERE channel = $1";

const openLine = async (
  client: Client,
  onPayload: (payload: string) => void,
  ended: Promise<string>,
): Promise<Line> => {
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  // PostgreSQL sends a session its own notifications too.
  const own = rows[0]?.pid;
  client.on("notification", ({ channel, payload, processId }) => {
    if (channel === CHANNEL && processId !== own && payload !== undefined) onPayload(payload);
  });
  await client.query(`LISTEN ${CHANNEL}`);
  let last: Promise<unknown> = Promise.resolve();
  /** One statement at a time: a connection takes no second one. */
  const inTurn = (name: string, text: string, values: unknown[]): Promise<QueryResult> => {
    const ask = (): Promise<QueryResult> => client.query({ name, text, values });
    const result = last.then(ask, ask);
    last = result;
    return result;
  };
  return {
    send: async (payloads) => void (await inTurn("send", SEND, [CHANNEL, payloads])),
    probe: async () => {
      const { rowCount } = await inTurn("probe", PROBE, [CHANNEL]);
      if (rowCount === 0) throw new Error("the session no longer listens");
    },
    ended,
    drop: () => drop(client),
  };
};

/** At once, whatever it waits for: `end` would wait for a server that may never answer. */
const drop = (client: Client): void => {
  client.end().catch(() => {});
  client.connection.stream.destroy();
};

/**
 * LISTEN and NOTIFY over one connection of its own, to the primary: a standby takes neither. NOTIFY
 * is a transaction of its own, after the push's.
 */
export const dialPostgres =
  (config: ClientConfig): Dial =>
  async (onPayload, signal) => {
    const client = new Client({
      application_name: "synchro bus",
      ...config,
      options: [config.options, SETTINGS].filter((each) => each !== undefined).join(" "),
      keepAlive: true,
    });
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    client.on("error", (error) => {
      resolve(error.message);
      drop(client);
    });
    client.on("end", () => resolve("the connection was closed"));
    const abandon = (): void => drop(client);
    signal.addEventListener("abort", abandon);
    try {
      signal.throwIfAborted();
      return await openLine(client, onPayload, ended);
    } catch (error) {
      drop(client);
      throw error;
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  };
