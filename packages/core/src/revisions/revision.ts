declare const revisionBrand: unique symbol;

/**
 * The name of one version of a document, `GENERATION-HASH`: how many versions long its history is,
 * and a hash that tells siblings apart. Source: CouchDB's replication protocol.
 */
export type Revision = string & { readonly [revisionBrand]: true };

/** A history may be this long. */
export const GENERATION_MAX = 999_999_999;

const PATTERN = /^([1-9][0-9]{0,8})-([0-9A-Za-z._]{1,64})$/;
const HEX_HASH = /^[0-9A-Fa-f]{32}$/;

/** Puts a revision together, as CouchDB prints it: hashes of 32 hexadecimal digits in lower case. */
export const revisionOf = (generation: number, hash: string): Revision =>
  `${generation}-${HEX_HASH.test(hash) ? hash.toLowerCase() : hash}` as Revision;

/** Null if `text` is no revision: generation from 1, hash of 1 to 64 letters, digits, points or underscores. */
export const parseRevision = (text: string): Revision | null => {
  const [, generation, hash] = PATTERN.exec(text) ?? [];
  return generation === undefined || hash === undefined
    ? null
    : revisionOf(Number(generation), hash);
};

export const generationOf = (revision: Revision): number =>
  Number(revision.slice(0, revision.indexOf("-")));

export const hashOf = (revision: Revision): string => revision.slice(revision.indexOf("-") + 1);

/** By generation, then by hash: below 0 where `a` comes first. */
export const compareRevisions = (a: Revision, b: Revision): number => {
  const byGeneration = generationOf(a) - generationOf(b);
  if (byGeneration !== 0) return byGeneration;
  if (a === b) return 0;
  return a < b ? -1 : 1;
};
