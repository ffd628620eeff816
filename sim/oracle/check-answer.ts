import { decodeAck, decodeCursor, type EpochPosition, headSeen } from "@synchro/core";
import {
  createChecker,
  problemSchema,
  pullAnswerSchema,
  syncAnswerSchema,
  type WirePullAnswer,
  type WireSyncAnswer,
} from "@synchro/protocol";
import type { Answer, Request } from "../network.ts";
import type { World } from "../world/world.ts";

const checkSync = createChecker(syncAnswerSchema);
const checkPull = createChecker(pullAnswerSchema);
const checkProblem = createChecker(problemSchema);

const faultsOfPage = (
  page: WirePullAnswer | WireSyncAnswer,
  isWhole: boolean,
): readonly string[] => {
  const seqs = page.changes.map(({ seq }) => seq);
  const hasDigest = page.digest !== undefined;
  return [
    ...(new Set(seqs).size === seqs.length ? [] : ["[PULL-5] a seq stands twice"]),
    ...(hasDigest === (page.more === false) ? [] : ["[DIGEST-3] digest and more disagree"]),
    ...(isWhole && page.more === undefined
      ? ["[PULL-7] it does not say whether there is more"]
      : []),
  ];
};

/** PULL-8: never from a snapshot behind a valid ack, nor behind the answer's own push. */
const faultsOfPlace = (
  page: { readonly cursor?: string | null; readonly reset?: string },
  acks: readonly (string | null | undefined)[],
): readonly string[] => {
  const place = page.cursor == null ? null : decodeCursor(page.cursor);
  if (place === null || place === "invalid" || page.reset !== undefined) return [];
  return acks.flatMap((text) => {
    const ack = text == null ? null : decodeAck(text);
    if (ack === null || ack === "invalid" || ack.epoch !== place.epoch) return [];
    return headSeen(place) < ack.seq ? [`[PULL-8] it is of a snapshot behind ${text}`] : [];
  });
};

type Asked = { readonly cursor?: string | null; readonly ack?: string | null };

/** Whether a client's place is one of the data as the model has them; null and undefined are. */
export type IsPlaceValid = (space: string, place: EpochPosition) => boolean;

/** What must be known of the data to judge an answer. */
export type AnswerJudge = {
  readonly isPlaceValid: IsPlaceValid;
  readonly faultsOfV1: (space: string, request: string, body: string) => readonly string[];
};

/** RESET-2: an offer is asked for only by a place that is not of these data. A replica that is behind must not. */
const faultsOfReset = (
  space: string,
  page: { readonly cursor?: string | null; readonly reset?: string },
  { cursor, ack }: Asked,
  isValid: IsPlaceValid,
): readonly string[] => {
  const from = cursor == null ? null : decodeCursor(cursor);
  const seen = ack == null ? null : decodeAck(ack);
  if (from === "invalid" || seen === "invalid") return [];
  if (page.reset === "offer") {
    const places = [
      ...(from === null ? [] : [{ epoch: from.epoch, seq: headSeen(from) }]),
      ...(seen === null ? [] : [seen]),
    ];
    return places.every((place) => isValid(space, place))
      ? ["[RESET-2] it asks for an offer, and nothing is wrong"]
      : [];
  }
  const to = page.cursor == null ? null : decodeCursor(page.cursor);
  if (from === null || to === null || to === "invalid" || page.reset !== undefined) return [];
  const isBack = from.epoch === to.epoch && to.seq < from.seq;
  return isBack ? [`[PULL-7] it goes back from ${cursor}`] : [];
};

const faultsOfSync = (body: string, answer: WireSyncAnswer): readonly string[] => {
  const wish = JSON.parse(body) as {
    readonly changes?: readonly unknown[];
    readonly pull?: boolean;
    readonly ack?: string | null;
  };
  const asked = wish.changes?.length ?? 0;
  const seqs = new Set(answer.changes.map(({ seq }) => seq));
  const lost = answer.results.flatMap((result) =>
    "superseded" in result ? [result.superseded] : [],
  );
  const merged = answer.results.flatMap((result) => ("merged" in result ? [result.merged] : []));
  const isLong = answer.results.length > asked || (asked > 0 && answer.results.length === 0);
  return [
    ...faultsOfPage(answer, wish.pull !== false),
    ...faultsOfPlace(answer, [wish.ack, answer.ack]),
    ...(isLong ? [`[PUSH-11] ${answer.results.length} results for ${asked} changes`] : []),
    ...((answer.ack === undefined) === (asked === 0) ? [] : ["[PUSH-14] ack and changes disagree"]),
    ...merged
      .filter((seq) => !seqs.has(seq))
      .map((seq) => `[FIELDS-21] ${seq} was merged and not sent`),
    ...lost.filter((seq) => !seqs.has(seq)).map((seq) => `[PUSH-3] ${seq} won and was not sent`),
  ];
};

const faultsOf = (
  request: Request,
  { status, body }: Answer,
  { isPlaceValid: isValid, faultsOfV1 }: AnswerJudge,
): readonly string[] => {
  const json = JSON.parse(body) as unknown;
  if (status !== 200) {
    return checkProblem(json).kind === "ok" ? [] : ["[LIMIT-8] it is no problem document"];
  }
  if (request.kind === "v1") return faultsOfV1(request.space, request.body, body);
  if (request.kind === "sync") {
    const checked = checkSync(json);
    if (checked.kind === "bad") return ["it breaks its schema"];
    return [
      ...faultsOfSync(request.body, checked.message),
      ...faultsOfReset(request.space, checked.message, JSON.parse(request.body) as Asked, isValid),
    ];
  }
  const checked = checkPull(json);
  if (checked.kind === "bad") return ["it breaks its schema"];
  const { message } = checked;
  return [
    ...faultsOfPage(message, true),
    ...faultsOfPlace(message, [request.query["ack"]]),
    ...faultsOfReset(request.space, message, request.query, isValid),
  ];
};

/** Holds an answer against its schema and against its request, as any client would see it. */
export const checkAnswer = (
  world: World,
  judge: AnswerJudge,
  request: Request,
  answer: Answer,
): void => {
  for (const fault of faultsOf(request, answer, judge)) {
    world.fail(`${fault}: ${JSON.stringify(request)} -> ${answer.body}`);
  }
};
