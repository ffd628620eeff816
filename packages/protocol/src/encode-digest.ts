import { type CollectionName, type Digest, formatSum, type Seq } from "@synchro/core";

/** The digests of the collections asked for, of one snapshot. */
export type SnapshotDigest = {
  /** The snapshot's head. */
  readonly at: Seq;
  readonly collections: ReadonlyMap<CollectionName, Digest>;
};

/** A digest as the JSON text of the wire (`messages/digest.ts`). */
export const encodeDigest = ({ at, collections }: SnapshotDigest): string => {
  const members = Array.from(
    collections,
    ([name, { count, sum }]) => `"${name}":{"count":${count},"sum":"${formatSum(sum)}"}`,
  );
  return `{"at":${at},"collections":{${members.join(",")}}}`;
};
