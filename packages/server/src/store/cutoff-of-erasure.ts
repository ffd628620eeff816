import { laterStamp, type Stamp } from "@synchro/core";

/**
 * Up to which stamp a change to an absent record is refused after an erasure: the newest of `times`,
 * which are those of what was erased, so that nobody brings it back; but not beyond `now`, for a
 * stamp from the far future would refuse every change until then. Never earlier than `before`.
 */
export const cutoffOfErasure = (
  before: Stamp | null,
  times: readonly (Stamp | null)[],
  now: Stamp,
): Stamp | null => {
  let newest = before;
  for (const time of times) {
    if (time === null) continue;
    const bounded = time < now ? time : now;
    newest = laterStamp(newest ?? bounded, bounded);
  }
  return newest;
};
