import { type CollectionName, type Digest, formatSum, type Seq } from "@synchro/core";

/** The digests of the collections asked for, of one snapshot. */
export type SnapshotDigest = {
  /** The snapshot's head. */
  readonly at: Seq;
  readonly collections: ReadonlyMap<CollectionName, Digest>;
};

/** A collection's digest is the same object for as long as nothing in it changes: most are asked for again. */
const texts = new WeakMap<Digest, string>();

const textOf = (digest: Digest): string => {
  const known = texts.get(digest);
  if (known !== undefined) return known;
  const text = `{"count":${digest.count},"sum":"${formatSum(digest.sum)}"}`;
  texts.set(digest, text);
  return text;
};

/** A digest as the JSON text of the wire (`messages/digest.ts`). */
export const encodeDigest = ({ at, collections }: SnapshotDigest): string => {
  let members = "";
  for (const [name, digest] of collections) {
    members += `${members === "" ? "" : ","}"${name}":${textOf(digest)}`;
  }
  return `{"at":${at},"collections":{${members}}}`;
};
