import type { StoreMeta } from "../store/store-meta.ts";
import type { PullFrom } from "../transport/transport.ts";

/** The members of meta that say where the client stands. */
export const placeNames = ["clientId", "cursor", "ack", "run", "generation"] as const;

export type Place = Pick<StoreMeta, (typeof placeNames)[number]>;

export type RequestOptions = {
  /** Names; null: all. */
  readonly collections: readonly string[] | null;
  /** Records in a page; null: the server's own measure. */
  readonly limit: number | null;
  /** False: results only (a stream moves the cursor). */
  readonly pulls: boolean;
  /** What the server may know of this client, for its operator; null: nothing. */
  readonly status: { readonly [name: string]: unknown } | null;
};

/**
 * The text of a `POST …/sync`. `changes` is text already: the values in it go out as they are stored,
 * and the same entries make the same bytes at each try.
 */
export const syncBody = (
  place: Place,
  changes: readonly string[],
  options: RequestOptions,
): string => {
  const { collections, limit, pulls, status } = options;
  const members = {
    client_id: place.clientId,
    ...(pulls ? { cursor: place.cursor } : { pull: false, cursor: place.cursor }),
    ...(place.ack === null ? {} : { ack: place.ack }),
    ...(collections === null ? {} : { collections }),
    ...(pulls && limit !== null ? { limit } : {}),
    ...(place.run === "offer" ? { tombstones: true } : {}),
    ...(status === null ? {} : { status }),
  };
  return `${JSON.stringify(members).slice(0, -1)},"changes":[${changes.join(",")}]}`;
};

/** The same for the other forms of the pull. */
export const pullFrom = (place: Place, options: RequestOptions): PullFrom => ({
  cursor: place.cursor,
  ack: place.ack,
  collections: options.collections,
  tombstones: place.run === "offer",
  limit: options.limit,
});
