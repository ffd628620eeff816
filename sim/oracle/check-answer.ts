import { decodeAck, decodeCursor, headSeen } from "@synchro/core";
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
  const isLong = answer.results.length > asked || (asked > 0 && answer.results.length === 0);
  return [
    ...faultsOfPage(answer, wish.pull !== false),
    ...faultsOfPlace(answer, [wish.ack, answer.ack]),
    ...(isLong ? [`[PUSH-11] ${answer.results.length} results for ${asked} changes`] : []),
    ...((answer.ack === undefined) === (asked === 0) ? [] : ["[PUSH-14] ack and changes disagree"]),
    ...lost.filter((seq) => !seqs.has(seq)).map((seq) => `[PUSH-3] ${seq} won and was not sent`),
  ];
};

const faultsOf = (request: Request, { status, body }: Answer): readonly string[] => {
  const json = JSON.parse(body) as unknown;
  if (status !== 200) {
    return checkProblem(json).kind === "ok" ? [] : ["[LIMIT-8] it is no problem document"];
  }
  if (request.kind === "sync") {
    const checked = checkSync(json);
    return checked.kind === "ok"
      ? faultsOfSync(request.body, checked.message)
      : ["it breaks its schema"];
  }
  const checked = checkPull(json);
  if (checked.kind === "bad") return ["it breaks its schema"];
  const { message } = checked;
  return [...faultsOfPage(message, true), ...faultsOfPlace(message, [request.query["ack"]])];
};

/** Holds an answer against its schema and against its request, as any client would see it. */
export const checkAnswer = (world: World, request: Request, answer: Answer): void => {
  for (const fault of faultsOf(request, answer)) {
    world.fail(`${fault}: ${JSON.stringify(request)} -> ${answer.body}`);
  }
};
