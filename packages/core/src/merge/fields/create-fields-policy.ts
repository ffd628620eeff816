import type { Rejection } from "../../push/rejection.ts";
import { utf8Length } from "../../unicode.ts";
import type { MergePolicy, VersionContent } from "../merge-policy.ts";
import {
  type FieldFunctions,
  type FieldsPoint,
  functionOf,
  isSameFieldValue,
  isSamePoint,
  joinPoints,
  normalizePoint,
  pointOf,
  versionOf,
} from "./fields-point.ts";

/** What a collection with the policy `fields` declares besides it. */
export type FieldRules = {
  readonly functions: FieldFunctions;
  /** Fields that every live record has, and no change removes. */
  readonly required: readonly string[];
};

const pointerTo = (field: string): string =>
  `/value/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`;

const incomplete = (field: string, life: number): Rejection => ({
  code: "incomplete",
  message: `there is no record of life ${life} here, and without ${field} the change can't make one: send the whole value`,
  path: pointerTo(field),
});

const tooLarge = (bytesMax: number): Rejection => ({
  code: "value_too_large",
  message: `the record would have more than ${bytesMax} bytes, its value and the stamps of its fields as JSON: remove something first`,
  path: "/value",
});

const missingField = (point: FieldsPoint, required: readonly string[]): string | null =>
  point.life % 2 === 0
    ? null
    : (required.find((field) => point.fields.get(field)?.value === undefined) ?? null);

const isTooLarge = ({ value, fieldState }: VersionContent, bytesMax: number): boolean =>
  utf8Length(value ?? "") + utf8Length(fieldState ?? "") > bytesMax;

/** Whether each field of `part` stands in `whole` as it is. */
const holds = (whole: FieldsPoint, part: FieldsPoint): boolean =>
  whole.life === part.life &&
  [...part.fields].every(([name, sent]) => {
    const held = whole.fields.get(name);
    return held !== undefined && held.stamp === sent.stamp && isSameFieldValue(held, sent);
  });

/** The fields of `part` whose value `whole` does not have. One with a function never is: it was joined. */
const fieldsGivenUp = (
  part: FieldsPoint,
  whole: FieldsPoint,
  functions: FieldFunctions,
): readonly string[] =>
  [...part.fields].flatMap(([name, before]) => {
    const after = whole.fields.get(name);
    const isKept =
      functionOf(functions, name) !== null ||
      (after !== undefined && isSameFieldValue(before, after));
    return isKept ? [] : [name];
  });

/**
 * Merges a record field by field. `bytesMax`: what a record's value and field state may come to
 * together. Spec: FIELDS-*.
 */
export const createFieldsPolicy = (
  { functions, required }: FieldRules,
  bytesMax: number,
): MergePolicy => ({
  name: "fields",
  judge: (stored, proposed) => {
    const before = stored === null ? null : pointOf(stored);
    const sent = pointOf(proposed);
    const change = normalizePoint(sent, functions);
    const begins = before === null || change.life > before.life;
    const missing = begins ? missingField(change, required) : null;
    if (missing !== null) return { kind: "refuse", rejection: incomplete(missing, change.life) };

    const after = before === null ? change : joinPoints(before, change, functions);
    const version = before !== null && isSamePoint(before, after) ? null : versionOf(after);
    if (version !== null && isTooLarge(version, bytesMax)) {
      return { kind: "refuse", rejection: tooLarge(bytesMax) };
    }
    const isOver = change.life < after.life;
    const lost = isOver ? change.fields.size : fieldsGivenUp(change, after, functions).length;
    const isLost = isOver || (lost > 0 && lost === change.fields.size);
    const overwritten =
      before === null ? [] : fieldsGivenUp(before, after, begins ? {} : functions);
    return {
      kind: "merge",
      version,
      outcome: isLost ? "lost" : holds(after, sent) ? "whole" : "part",
      overwrites: overwritten.some((name) => before?.fields.get(name)?.value !== undefined),
      loses: isOver || lost > 0,
    };
  },
});
