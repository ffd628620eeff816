import type { JsonViolationRule, Limits } from "@synchro/protocol";

/** A broken data rule in words. Spec: DATA-*. */
export const violationMessage = (rule: JsonViolationRule, limits: Limits): string => {
  switch (rule) {
    case "duplicate_member":
      return "a member name must not stand twice in an object";
    case "number_precision":
      return "a number must survive as a double (send larger or more precise ones as strings)";
    case "lone_surrogate":
      return "text must be well-formed Unicode (a surrogate stands alone)";
    case "nul_character":
      return "text must not contain U+0000";
    case "forbidden_member":
      return "members must not be named __proto__ or constructor";
    case "too_deep":
      return `a value must not nest deeper than ${limits.valueDepthMax} levels`;
  }
};
