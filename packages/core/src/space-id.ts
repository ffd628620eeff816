declare const spaceIdBrand: unique symbol;

/** The name of a space (a shop): `[a-z0-9][a-z0-9._-]{0,62}`. */
export type SpaceId = string & { readonly [spaceIdBrand]: true };

export const SPACE_ID_PATTERN = "^[a-z0-9][a-z0-9._-]{0,62}$";

const pattern = new RegExp(SPACE_ID_PATTERN);

export const isSpaceId = (text: string): text is SpaceId => pattern.test(text);
