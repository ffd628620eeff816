import type { Checker, FieldError, Limits } from "@synchro/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ParsedBody } from "../../http/parsed-body.ts";
import { sendProblem } from "../../http/problem.ts";
import { singleQuery } from "../../http/single-query.ts";
import { violationMessage } from "../../service/violation-message.ts";

const refuse = (reply: FastifyReply, errors: readonly FieldError[]): null => {
  const detail = errors[0]?.message ?? "the request is malformed";
  sendProblem(reply, "bad_request", detail, errors);
  return null;
};

/** The body as a message; null: the refusal was answered. */
export const readBody = <Message>(
  check: Checker<Message>,
  limits: Limits,
  request: FastifyRequest,
  reply: FastifyReply,
): Message | null => {
  const body = request.body as ParsedBody | undefined;
  if (body === undefined) {
    sendProblem(reply, "bad_json", "the body is empty: send a JSON object");
    return null;
  }
  const broken = body.violations.map(({ rule, path }) => ({
    path,
    message: violationMessage(rule, limits),
  }));
  if (broken.length > 0) return refuse(reply, broken);
  const checked = check(body.json);
  return checked.kind === "ok" ? checked.message : refuse(reply, checked.errors);
};

/** What a parameter of a query may be, and what it is read as. */
export type QueryParameter =
  | { readonly kind: "text"; readonly isValid: (text: string) => boolean; readonly rule: string }
  | { readonly kind: "whole"; readonly max: number };

type Values<Spec> = {
  readonly [name in keyof Spec]:
    | (Spec[name] extends { readonly kind: "whole" } ? number : string)
    | null;
};

const faultOf = (name: string, rule: string): FieldError => ({
  path: `/${name}`,
  message: `${name} must be ${rule}`,
});

/**
 * The parameters of a query that are named, each null where it is absent or empty; null for all: the
 * refusal was answered.
 */
export const readQuery = <Spec extends { readonly [name: string]: QueryParameter }>(
  spec: Spec,
  request: FastifyRequest,
  reply: FastifyReply,
): Values<Spec> | null => {
  const query = singleQuery(request);
  if (query.kind === "repeated") return refuse(reply, [query.error]);
  const values: { [name: string]: string | number | null } = {};
  for (const [name, parameter] of Object.entries(spec)) {
    const text = query.values[name] ?? "";
    if (text === "") values[name] = null;
    else if (parameter.kind === "text") {
      if (!parameter.isValid(text)) return refuse(reply, [faultOf(name, parameter.rule)]);
      values[name] = text;
    } else {
      const number = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN;
      if (!(number <= parameter.max)) {
        return refuse(reply, [faultOf(name, `an integer from 1 to ${parameter.max}`)]);
      }
      values[name] = number;
    }
  }
  return values as Values<Spec>;
};
