import { formatStamp, type Stamp, stampToMillis } from "@synchro/core";
import type { DataFacts } from "./backup-engine.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** How far a server's clock may be from this machine's before changes are refused as `stamp_ahead`. */
const APART_MS_MAX = 5 * 60_000;
const APART_MS_SEEN = 30_000;

const apart = (ms: number): string => `${Math.round(Math.abs(ms) / 1_000)} s`;

/** This machine's clock against what was written with it. */
export const examineClock = (
  facts: Pick<DataFacts, "spaces">,
  at: { readonly now: Stamp; readonly writtenAt: Stamp },
): Finding => {
  const behindMs = stampToMillis(at.writtenAt) - stampToMillis(at.now);
  if (behindMs > APART_MS_SEEN) {
    return fail(
      "clock",
      `the data were last written at ${formatStamp(at.writtenAt)}, ${apart(behindMs)} from now: set the clock`,
    );
  }
  const early = facts.spaces.filter(({ cutoff }) => cutoff !== null && cutoff > at.now);
  if (early.length > 0) {
    const told = early
      .map(({ space, cutoff }) => `${space} until ${cutoff === null ? "" : formatStamp(cutoff)}`)
      .join(", ");
    return warn(
      "clock",
      `purges under a clock that was ahead refuse new records as stale: ${told}`,
    );
  }
  return ok("clock", `${formatStamp(at.now)}, after the last write`);
};

/** A server's clock against this machine's, by the `Date` of an answer. */
export const examineServerClock = (url: string, serverMs: number, now: Stamp): Finding => {
  const ms = serverMs - stampToMillis(now);
  const told = `${url} is ${apart(ms)} ${ms < 0 ? "behind" : "ahead of"} this machine`;
  if (Math.abs(ms) > APART_MS_MAX)
    return fail("server clock", `${told}: set the one that is wrong`);
  if (Math.abs(ms) > APART_MS_SEEN) return warn("server clock", `${told}: have both set by NTP`);
  return ok("server clock", told);
};
