import { isJsonObject } from "@synchro/core";
import {
  type Checked,
  type Checker,
  createChecker,
  createLiveHelloSchema,
  createLivePushSchema,
  createLiveSubscribeSchema,
  type JsonViolation,
  type Limits,
  type LiveHello,
  livePingSchema,
  type LivePing,
  type LivePush,
  type LiveSubscribe,
  liveTokenSchema,
  type LiveToken,
  liveUnsubscribeSchema,
  type LiveUnsubscribe,
} from "@synchro/protocol";
import { type ParsedBody, parseBody } from "../../../http/parsed-body.ts";
import type { Denial } from "../../../service/denial.ts";
import { violationMessage } from "../../../service/violation-message.ts";

/** A frame as its schema has it. */
type Message = LiveHello | LiveToken | LiveSubscribe | LiveUnsubscribe | LivePush | LivePing;

/** A push as it was parsed, too: its changes are read one by one. */
export type PushFrame = LivePush & { readonly body: ParsedBody };

/** A frame of a client. */
export type ClientFrame = Exclude<Message, LivePush> | PushFrame;

export type FrameReading =
  | { readonly kind: "frame"; readonly frame: ClientFrame }
  /** It has a name, and that or what it says is wrong: the connection goes on. */
  | { readonly kind: "bad"; readonly id: string | null; readonly denial: Denial }
  /** What was meant can't be told: what it may have been a part of would wait for ever. */
  | { readonly kind: "unreadable"; readonly denial: Denial };

export type ReadFrame = (bytes: Buffer) => FrameReading;

/** How much of what a client made up is quoted. */
const QUOTED_LENGTH_MAX = 32;

const bad = (detail: string, errors?: Denial["errors"]): Denial => ({
  code: "bad_request",
  detail,
  ...(errors === undefined ? {} : { errors }),
});

const isInChanges = ({ path }: JsonViolation): boolean => /^\/changes\/\d/.test(path);

const createCheckers = (limits: Limits): ReadonlyMap<string, Checker<Message>> =>
  new Map<string, Checker<Message>>([
    ["hello", createChecker(createLiveHelloSchema(limits))],
    ["token", createChecker(liveTokenSchema)],
    ["subscribe", createChecker(createLiveSubscribeSchema(limits))],
    ["unsubscribe", createChecker(liveUnsubscribeSchema)],
    ["push", createChecker(createLivePushSchema(limits))],
    ["ping", createChecker(livePingSchema)],
  ]);

/**
 * Reads frames of clients: bytes, text, JSON and data rules as bodies of requests are read, then
 * each by the schema that its `type` names. Spec: LIVE-18.
 */
export const createReadFrame = (limits: Limits): ReadFrame => {
  const checkers = createCheckers(limits);
  const idOf = (id: unknown): string | null =>
    typeof id === "string" && id !== "" && id.length <= limits.labelLengthMax && id.isWellFormed()
      ? id
      : null;
  return (bytes) => {
    const parse = parseBody(bytes, limits, "frame");
    if (parse.kind === "refused") return { kind: "unreadable", denial: parse };
    const { body } = parse;
    const { json } = body;
    if (!isJsonObject(json) || typeof json["type"] !== "string") {
      return { kind: "unreadable", denial: bad("a frame is an object with a type") };
    }
    const id = idOf(json["id"]);
    const check = checkers.get(json["type"]);
    if (check === undefined) {
      const quoted = JSON.stringify(json["type"].slice(0, QUOTED_LENGTH_MAX).toWellFormed());
      return { kind: "bad", id, denial: bad(`there is no frame of the type ${quoted}`) };
    }
    const violation = body.violations.find((each) => !isInChanges(each));
    if (violation !== undefined) {
      const { path, rule } = violation;
      const message = violationMessage(rule, limits);
      return { kind: "bad", id, denial: bad(message, [{ path, message }]) };
    }
    const checked: Checked<Message> = check(json);
    if (checked.kind === "bad") {
      const detail = checked.errors[0]?.message ?? "the frame is malformed";
      return { kind: "bad", id, denial: bad(detail, checked.errors) };
    }
    const { message } = checked;
    return { kind: "frame", frame: message.type === "push" ? { ...message, body } : message };
  };
};
