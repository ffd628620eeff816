import { isUtf8 } from "node:buffer";
import { type JsonViolation, type Limits, type ProblemCode, scanJson } from "@synchro/protocol";
import { jsonSyntaxErrorAt } from "./json-syntax-place.ts";

/**
 * A request's body as routes get it. `violations` are the broken data rules within it, at most one
 * a change (`/changes/3`, `/newly_created_records/0`) and for the rest one a member.
 */
export type ParsedBody = { readonly json: unknown; readonly violations: readonly JsonViolation[] };

export type BodyRefusal = {
  readonly kind: "refused";
  readonly code: ProblemCode;
  readonly detail: string;
};

export type BodyParse = { readonly kind: "parsed"; readonly body: ParsedBody } | BodyRefusal;

/** Pointer tokens that name a change: `/changes/3`. */
const GROUP_DEPTH = 2;

const refused = (code: ProblemCode, detail: string): BodyRefusal => ({
  kind: "refused",
  code,
  detail,
});

/** Line and column, both from 1; a column is a UTF-16 unit. */
const placeOf = (text: string, at: number): string => {
  const lines = text.slice(0, at).split("\n");
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
};

const syntaxDetail = (text: string, what: string): string => {
  const at = jsonSyntaxErrorAt(text) ?? text.length;
  const character = text.codePointAt(at);
  if (character === undefined)
    return `the ${what} is not JSON: it ends too early, at ${placeOf(text, at)}`;
  const shown = JSON.stringify(String.fromCodePoint(character).toWellFormed());
  return `the ${what} is not JSON: unexpected ${shown} at ${placeOf(text, at)}`;
};

/**
 * Reads the bytes of a body as JSON. What would be dear to parse is refused before it is parsed:
 * the scan is linear, and `JSON.parse` never sees more tokens or levels than the limits allow. `what`
 * is what the bytes are called in words: a frame of a WebSocket is read no otherwise.
 * Spec: LIMIT-3, LIMIT-7, DATA-11 to DATA-16.
 */
export const parseBody = (bytes: Buffer, limits: Limits, what = "body"): BodyParse => {
  if (bytes.length === 0) return refused("bad_json", `the ${what} is empty: send a JSON object`);
  if (!isUtf8(bytes)) return refused("bad_json", `the ${what} is not UTF-8`);
  const text = bytes.toString("utf8");
  const scan = scanJson(text, {
    tokensMax: limits.bodyTokensMax,
    depthMax: limits.bodyDepthMax,
    // One a change at most: the one more is outside of them, and refuses the whole request.
    violationsMax: limits.changesMax + 1,
    groupDepth: GROUP_DEPTH,
    nestedDepthMax: limits.valueDepthMax,
  });
  if (scan.kind === "too_large") {
    return scan.limit === "tokens"
      ? refused("too_complex", `the ${what} has more than ${limits.bodyTokensMax} values and names`)
      : refused("too_complex", `the ${what} nests deeper than ${limits.bodyDepthMax} levels`);
  }
  try {
    const json: unknown = JSON.parse(text);
    return { kind: "parsed", body: { json, violations: scan.violations } };
  } catch (error) {
    if (error instanceof SyntaxError) return refused("bad_json", syntaxDetail(text, what));
    throw error;
  }
};
