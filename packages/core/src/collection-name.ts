declare const collectionNameBrand: unique symbol;

/** The name of a collection: `[a-z][a-z0-9_-]{0,62}`. */
export type CollectionName = string & { readonly [collectionNameBrand]: true };

export const COLLECTION_NAME_PATTERN = "^[a-z][a-z0-9_-]{0,62}$";

const pattern = new RegExp(COLLECTION_NAME_PATTERN);

export const isCollectionName = (text: string): text is CollectionName => pattern.test(text);

/** The set of collections that a cursor speaks of: sorted, without repeats; null stands for "all that are declared". */
export type CollectionSet = readonly CollectionName[] | null;

export const collectionSet = (names: Iterable<CollectionName>): readonly CollectionName[] =>
  [...new Set(names)].toSorted();

export const isSameCollectionSet = (a: CollectionSet, b: CollectionSet): boolean => {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((name, index) => name === b[index]);
};
