import { formatStamp, type Stamp } from "../stamp.ts";
import type { WriteChange } from "./push-change.ts";
import type { Rejection } from "./rejection.ts";

/** The stamp lies beyond what the server's clock and the stored stamp allow. */
export const stampAheadRejection = (
  { stamp, fieldState }: Pick<WriteChange, "stamp" | "fieldState">,
  now: Stamp,
  stored: Stamp | null,
): Rejection => ({
  code: "stamp_ahead",
  message: `${fieldState === null ? "updated_at" : "the latest of its stamps,"} ${formatStamp(stamp)} is more than 5 minutes ahead of the server's clock (${formatStamp(now)}): correct the clock, restamp and send again`,
  path: "/updated_at",
  stored,
});

/** The record is absent and the stamp is as old as tombstones that were purged: it may have been deleted. */
export const staleRejection = (cutoff: Stamp): Rejection => ({
  code: "stale",
  message: `the record does not exist, and updated_at is not after ${formatStamp(cutoff)}, up to which deletes were purged: save it anew to keep it`,
  path: "/updated_at",
});
