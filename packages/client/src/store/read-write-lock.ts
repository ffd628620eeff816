/** Many readers or one writer, in the order in which they came: neither waits for ever. */
export type ReadWriteLock = {
  /** Runs beside other readers. */
  readonly shared: <Result>(body: () => Promise<Result>) => Promise<Result>;
  /** Runs alone. */
  readonly exclusive: <Result>(body: () => Promise<Result>) => Promise<Result>;
};

export const createReadWriteLock = (): ReadWriteLock => {
  let lastWriter: Promise<unknown> = Promise.resolve();
  const readers = new Set<Promise<unknown>>();

  const shared = <Result>(body: () => Promise<Result>): Promise<Result> => {
    const running = lastWriter.then(body, body);
    readers.add(running);
    const leave = (): void => void readers.delete(running);
    running.then(leave, leave);
    return running;
  };

  const exclusive = <Result>(body: () => Promise<Result>): Promise<Result> => {
    const running = Promise.allSettled([lastWriter, ...readers]).then(body);
    lastWriter = running;
    return running;
  };

  return { shared, exclusive };
};
