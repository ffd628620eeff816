import type { CollectionName, Epoch, SpaceId, Stamp } from "@synchro/core";

/** What a space holds, as a table of a person's. */
export type SpaceFacts = {
  readonly space: SpaceId;
  readonly head: number;
  readonly floor: number;
  readonly cutoff: Stamp | null;
  readonly epoch: Epoch | null;
  readonly life: number;
  readonly epochs: number;
  readonly live: number;
  readonly tombstones: number;
  readonly history: number;
  readonly evidence: number;
  readonly rejections: number;
};

export type DataFacts = {
  readonly schema: number;
  readonly declared: readonly CollectionName[];
  readonly spaces: readonly SpaceFacts[];
  readonly holdsErased: boolean;
};

/** One of the databases that a data folder holds. */
export type DataFile = {
  readonly name: string;
  /** Whether data are none without it. */
  readonly isRequired: boolean;
  /** Looks whether a file that nobody writes is whole, ours, and of a known version, which it returns. @throws StartError */
  readonly check: (path: string) => number;
};

/** By space its present life. */
export type Lives = ReadonlyMap<SpaceId, number>;

/** What backups need of the engine whose data they are. Every refusal is a StartError in one line. */
export type BackupEngine = {
  /** The records first. */
  readonly files: readonly [DataFile, ...DataFile[]];
  /** Copies a database as it is at one moment, beside whoever writes it. */
  readonly copy: (from: string, to: string, onProgress: (share: number) => void) => Promise<void>;
  /** What a database of records holds that nobody writes. */
  readonly inspect: (path: string) => DataFacts;
  /** Holds a data folder for this process alone. */
  readonly lock: (folder: string) => { readonly release: () => void };
  /** Makes a folder, durably, where there is none. */
  readonly ensureFolder: (folder: string) => void;
  /** Brings the log of a database into its file and gives the lives that it has reached; null: it can't be read. */
  readonly settle: (path: string) => Lives | null;
  /** Lists a new epoch in all that a database of records holds. */
  readonly beginLives: (
    path: string,
    of: { readonly replaced: Lives; readonly isFinal: boolean },
  ) => void;
};
