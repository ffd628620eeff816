import {
  type CollectionName,
  type Digest,
  type Epoch,
  formatSum,
  parseSum,
  type Seq,
  type SpaceState,
  type Stamp,
} from "@synchro/core";

/** A space as its row tells it. */
export type LoadedSpace = {
  readonly state: SpaceState;
  /** How often it was erased: rows of other eras are not its own. */
  readonly era: number;
  /** The last number that was given to evidence or a rejection. */
  readonly kept: number;
};

export const SPACE_COLUMNS = "era, head, floor, cutoff, kept, digests, epochs";

export type SpaceRow = readonly [
  era: number,
  head: Seq,
  floor: Seq,
  cutoff: Stamp | null,
  kept: number,
  digests: string,
  epochs: string,
];

export const spaceFromRow = (row: SpaceRow): LoadedSpace => {
  const [era, head, floor, cutoff, kept, digests, epochs] = row;
  const sums = JSON.parse(digests) as readonly [CollectionName, number, string][];
  const listed = JSON.parse(epochs) as readonly [Epoch, Seq][];
  return {
    era,
    kept,
    state: {
      head,
      floor,
      cutoff,
      digests: new Map(sums.map(([name, count, sum]) => [name, { count, sum: parseSum(sum) }])),
      epochs: listed.map(([epoch, fromSeq]) => ({ epoch, fromSeq })),
    },
  };
};

export const digestsToColumn = (digests: ReadonlyMap<CollectionName, Digest>): string =>
  JSON.stringify([...digests].map(([name, { count, sum }]) => [name, count, formatSum(sum)]));

export const epochsToColumn = (epochs: SpaceState["epochs"]): string =>
  JSON.stringify(epochs.map(({ epoch, fromSeq }) => [epoch, fromSeq]));
