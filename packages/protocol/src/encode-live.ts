import { formatStamp, type SpaceId, type Stamp } from "@synchro/core";
import {
  type EncodablePage,
  type EncodableSyncAnswer,
  encodeStreamEvent,
  encodeSyncAnswer,
} from "./encode-answer.ts";
import type { Limits } from "./limits.ts";
import type { Problem } from "./messages/problem.ts";

/** An object's text with members before its own. */
const withMembers = (members: string, object: string): string => `{${members},${object.slice(1)}`;

/**
 * One page as a `changes` frame (`messages/live-changes.ts`): the same text for all who follow the
 * space at the same place. The id of a space needs no escapes.
 */
export const encodeLiveChanges = (space: SpaceId, page: EncodablePage): string =>
  withMembers(`"type":"changes","space":"${space}"`, encodeStreamEvent(page));

/** The answer to the push of this id (`messages/live-results.ts`). */
export const encodeLiveResults = (id: string, answer: Omit<EncodableSyncAnswer, "pull">): string =>
  withMembers(
    `"type":"results","id":${JSON.stringify(id)}`,
    encodeSyncAnswer({ ...answer, pull: null }),
  );

/** What went wrong (`messages/live-error.ts`); `id` null: with no subscription or push in particular. */
export const encodeLiveError = (of: {
  readonly id: string | null;
  readonly retryAfterMs: number | null;
  readonly problem: Problem;
}): string =>
  JSON.stringify({
    type: "error",
    ...(of.id === null ? {} : { id: of.id }),
    ...(of.retryAfterMs === null ? {} : { retry_after_ms: of.retryAfterMs }),
    problem: of.problem,
  });

/** The answer to `hello` and to `token` (`messages/live-welcome.ts`). */
export const encodeLiveWelcome = (
  now: Stamp,
  limits: Pick<Limits, "bodyBytesMax" | "liveSubscriptionsMax">,
): string =>
  JSON.stringify({
    type: "welcome",
    now: formatStamp(now),
    frame_bytes_max: limits.bodyBytesMax,
    subscriptions_max: limits.liveSubscriptionsMax,
  });

/** A subscription begins (`messages/live-subscribed.ts`). */
export const encodeLiveSubscribed = (id: string, space: SpaceId): string =>
  JSON.stringify({ type: "subscribed", id, space });

/** The answer to `ping` (`messages/live-pong.ts`). */
export const LIVE_PONG = '{"type":"pong"}';
