import Type from "typebox";
import { type ProblemCode, problems } from "../error-code.ts";
import type { FieldError } from "../field-error.ts";
import type { MessageOf } from "../message-of.ts";

/** The media type of a problem document (RFC 9457, section 6.1). */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

const codes = Object.keys(problems) as readonly ProblemCode[];

/** A problem document (RFC 9457): the body of every answer that is not a success. */
export const problemSchema = Type.Object(
  {
    type: Type.String({
      description: "`urn:synchro:error:` and the code.",
      examples: ["urn:synchro:error:bad_request"],
    }),
    title: Type.String({ description: "The code in words, the same every time." }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: "The HTTP status." }),
    code: Type.Enum(codes, {
      description: "Stable: programs may depend on it, and on nothing else here.",
    }),
    detail: Type.String({ description: "What went wrong this time, for a person." }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: "A JSON pointer (RFC 6901) into the request." }),
          message: Type.String({ description: "Names the field and the rule." }),
        }),
        {
          description:
            "Where fields of the request are to blame, as with `bad_request`: each of them.",
        },
      ),
    ),
  },
  {
    title: "Problem",
    description: "A problem document (RFC 9457).",
    examples: [
      {
        type: "urn:synchro:error:bad_request",
        title: problems.bad_request.title,
        status: 400,
        code: "bad_request",
        detail: "limit must be an integer",
        errors: [{ path: "/limit", message: "limit must be an integer" }],
      },
    ],
  },
);

export type Problem = MessageOf<typeof problemSchema>;

/** The problem document of `code`. `detail` may quote the request, but is the caller's to keep short. */
export const problemOf = (
  code: ProblemCode,
  detail: string,
  errors?: readonly FieldError[],
): Problem => {
  const { title, status } = problems[code];
  const problem = { type: `urn:synchro:error:${code}`, title, status, code, detail };
  return errors === undefined ? problem : { ...problem, errors };
};
