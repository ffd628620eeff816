/** How often each thing was hit in a run, or over many: a fault that never comes proves nothing. */
export type Counters = {
  readonly count: (name: string, times?: number) => void;
  readonly all: () => ReadonlyMap<string, number>;
  readonly addAll: (others: ReadonlyMap<string, number>) => void;
};

export const createCounters = (): Counters => {
  const byName = new Map<string, number>();
  const count = (name: string, times = 1): void => {
    byName.set(name, (byName.get(name) ?? 0) + times);
  };
  return {
    count,
    all: () => byName,
    addAll: (others) => {
      for (const [name, times] of others) count(name, times);
    },
  };
};
