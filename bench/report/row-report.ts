/** What one contestant did: a figure a round, and their unit. */
export type Series = {
  readonly name: string;
  readonly unit: string;
  readonly rounds: readonly number[];
  /** Processor time of an operation, in microseconds; one a round where it was looked at, else none. */
  readonly cpuMicros: readonly number[];
};

/** A ratio beside what is aimed at. */
export type Comparison = {
  readonly what: string;
  readonly ratio: number;
  readonly aim: { readonly is: "at least" | "at most"; readonly value: number };
  readonly unit?: string;
  /** The same by processor time, which tells who does less even where others crowd the machine. */
  readonly cpuRatio?: number;
};

/** One row of the table. */
export type RowReport = {
  readonly row: string;
  readonly series: readonly Series[];
  readonly comparisons: readonly Comparison[];
  /** Records or requests whose arrival was counted at the other end, beside what was sent. */
  readonly counted: readonly {
    readonly what: string;
    readonly sent: number;
    readonly found: number;
  }[];
  readonly notes: readonly string[];
};

/** How large a run is. */
export type RowOptions = {
  readonly rounds: number;
  /** 1: as in the table; less: a smaller load of the same kind. */
  readonly scale: number;
  /** Whether the peers take part; false: only the floor. */
  readonly hasPeers: boolean;
  /** Whether gcc is there, for the library that slows and counts the syncs. */
  readonly hasShim: boolean;
};

export type Row = (options: RowOptions) => Promise<RowReport>;

/** A size of the table, scaled, at least `min`. */
export const scaled = (options: RowOptions, size: number, min = 1): number =>
  Math.max(min, Math.round(size * options.scale));

export const isMet = ({ ratio, aim }: Comparison): boolean =>
  aim.is === "at least" ? ratio >= aim.value : ratio <= aim.value;
