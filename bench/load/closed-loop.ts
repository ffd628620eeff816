import { HttpConnection } from "./http-connection.ts";

/** What a load did: how much, in what time, and each request's latency in milliseconds, sorted. */
export type LoadOutcome = {
  readonly requests: number;
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
};

export type Load = {
  readonly port: number;
  readonly connections: number;
  /** The next request to send; null: there is none left. */
  readonly next: () => Buffer | null;
};

const run = async (
  connection: HttpConnection,
  next: Load["next"],
  latenciesMs: number[],
): Promise<void> => {
  for (let request = next(); request !== null; request = next()) {
    const startedAt = performance.now();
    const { status, body } = await connection.exchange(request);
    latenciesMs.push(performance.now() - startedAt);
    if (status >= 200 && status < 300) continue;
    throw new Error(`answered ${status}: ${body.toString("utf8", 0, 300)}`);
  }
};

/**
 * Sends requests over kept connections, each as soon as the last one of its connection is answered.
 * The clock runs from when all are open. Throws at the first answer that is not a success.
 */
export const closedLoop = async ({ port, connections, next }: Load): Promise<LoadOutcome> => {
  const open = await Promise.all(
    Array.from({ length: connections }, () => HttpConnection.open(port)),
  );
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  try {
    await Promise.all(open.map((connection) => run(connection, next, latenciesMs)));
  } finally {
    for (const connection of open) connection.close();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return {
    requests: latenciesMs.length,
    seconds,
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
  };
};

/** The same request until the time is over. */
export const repeatFor = (request: Buffer, ms: number): Load["next"] => {
  const until = performance.now() + ms;
  return () => (performance.now() < until ? request : null);
};

/** Each request once. */
export const eachOf = (requests: readonly Buffer[]): Load["next"] => {
  let index = 0;
  return () => requests[index++] ?? null;
};
