import { isRepeatedName } from "./member-names.ts";
import { survivesDouble } from "./number-literal.ts";
import {
  createOutermost,
  isObject,
  openArray,
  openObject,
  type OpenContainer,
} from "./open-container.ts";
import { readStringLiteral, stringLiteralValue, type StringFlaw } from "./string-literal.ts";
import {
  createViolationLog,
  leaveGroup,
  logViolation,
  type JsonViolation,
  type JsonViolationRule,
  type ViolationLog,
} from "./violation-log.ts";

export type { JsonViolation, JsonViolationRule } from "./violation-log.ts";

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** A decimal of so many digits, with no exponent, always survives a double (DBL_DIG of IEEE 754). */
const SAFE_DIGITS = 15;

/** Names that would reach an object's prototype in careless code. */
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(["__proto__", "constructor"]);

export type JsonScanLimits = {
  /** Values and member names in the text. */
  readonly tokensMax: number;
  /** Containers inside each other; the root counts as 1. */
  readonly depthMax: number;
  /** Violations reported; see {@link scanJson}. */
  readonly violationsMax: number;
  /** Pointer tokens that name a group; see {@link scanJson}. */
  readonly groupDepth: number;
  /** Levels of containers in a group's member; see {@link scanJson}. */
  readonly nestedDepthMax: number;
};

export type JsonScan =
  | { readonly kind: "scanned"; readonly violations: readonly JsonViolation[] }
  | { readonly kind: "too_large"; readonly limit: "tokens" | "depth" };

type Scan = {
  readonly text: string;
  readonly limits: JsonScanLimits;
  readonly log: ViolationLog;
  readonly outermost: OpenContainer;
  /** The innermost open container; `outermost` outside the root value. */
  container: OpenContainer;
  /** Containers open inside `outermost`: the pointer tokens of a value that begins here. */
  depth: number;
  /** In an object, whether the next string is a member's name. */
  isNameNext: boolean;
  /** The first backslash at or after some place that the scan has passed; the text's length if none. */
  backslashAt: number;
  /** Whether no string of the text holds a lone surrogate that isn't escaped. */
  readonly isWellFormed: boolean;
};

const report = (scan: Scan, rule: JsonViolationRule): void =>
  logViolation(scan.log, rule, scan.text, scan.outermost, scan.depth);

const openContainer = (scan: Scan, unit: number): void => {
  const { limits, depth } = scan;
  if (depth - (limits.groupDepth + 1) >= limits.nestedDepthMax) report(scan, "too_deep");
  scan.isNameNext = unit === BRACE_OPEN;
  scan.container = scan.isNameNext ? openObject(scan.container) : openArray(scan.container);
  scan.depth += 1;
};

const closeContainer = (scan: Scan): void => {
  if (scan.container.parent === null) return;
  scan.container = scan.container.parent;
  scan.depth -= 1;
};

const passComma = (scan: Scan): void => {
  const { container } = scan;
  if (container.parent === null) return;
  scan.isNameNext = isObject(container);
  if (!scan.isNameNext) container.index += 1;
  leaveGroup(scan.log, scan.depth - 1);
};

const isForbidden = (text: string, start: number, end: number, value: string | null): boolean => {
  if (value !== null) return FORBIDDEN_NAMES.has(value);
  const length = end - start;
  const isLikely = length === "__proto__".length || length === "constructor".length;
  return isLikely && FORBIDDEN_NAMES.has(text.slice(start, end));
};

/** Makes the string the current member's name. Of several flaws the text's comes first. */
const enterMember = (
  scan: Scan,
  start: number,
  end: number,
  hasEscape: boolean,
  flaw: StringFlaw | null,
): void => {
  const { text, container } = scan;
  container.nameStart = start;
  container.nameEnd = end;
  scan.isNameNext = false;
  if (flaw !== null) report(scan, flaw);
  const value = hasEscape ? stringLiteralValue(text, start, end) : null;
  if (isForbidden(text, start, end, value)) report(scan, "forbidden_member");
  if (container.names === null) return;
  if (isRepeatedName(container.names, text, start, end, value)) report(scan, "duplicate_member");
};

/** Passes the string literal at `at`: what follows it, or the text's end if it is no JSON string. */
const passString = (scan: Scan, at: number): number => {
  const { text } = scan;
  const start = at + 1;
  if (scan.backslashAt < start) {
    const found = text.indexOf("\\", start);
    scan.backslashAt = found === -1 ? text.length : found;
  }
  let end = text.indexOf('"', start);
  if (end === -1) return text.length;
  const hasEscape = scan.backslashAt < end;
  let flaw: StringFlaw | null = null;
  if (hasEscape || !scan.isWellFormed) {
    const literal = readStringLiteral(text, start);
    if (literal === null) return text.length;
    ({ end, flaw } = literal);
  }
  if (scan.isNameNext) enterMember(scan, start, end, hasEscape, flaw);
  else if (flaw !== null) report(scan, flaw);
  return end + 1;
};

/** Passes the number literal at `at`, which begins with a digit or a minus sign. */
const passNumber = (scan: Scan, at: number): number => {
  const { text } = scan;
  let digits = 0;
  let hasExponent = false;
  let end = at;
  while (end < text.length) {
    const unit = text.charCodeAt(end);
    if (unit >= ZERO && unit <= NINE) digits += 1;
    else if (unit === LOWER_E || unit === UPPER_E) hasExponent = true;
    else if (unit !== DOT && unit !== MINUS && unit !== PLUS) break;
    end += 1;
  }
  if ((hasExponent || digits > SAFE_DIGITS) && !survivesDouble(text.slice(at, end))) {
    report(scan, "number_precision");
  }
  return end;
};

/** Passes the value or name that begins with `unit` at `at`; the text's end if none does. */
const passToken = (scan: Scan, unit: number, at: number): number => {
  switch (unit) {
    case QUOTE:
      return passString(scan, at);
    case BRACE_OPEN:
    case BRACKET_OPEN:
      openContainer(scan, unit);
      return at + 1;
    case LOWER_T:
    case LOWER_N:
      return at + 4;
    case LOWER_F:
      return at + 5;
    default:
      if (unit === MINUS || (unit >= ZERO && unit <= NINE)) return passNumber(scan, at);
      return scan.text.length;
  }
};

const scanTokens = (scan: Scan): "tokens" | "depth" | null => {
  const { text, limits } = scan;
  let tokens = 0;
  let at = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    switch (unit) {
      case SPACE:
      case TAB:
      case LINE_FEED:
      case CARRIAGE_RETURN:
      case COLON:
        at += 1;
        break;
      case COMMA:
        passComma(scan);
        at += 1;
        break;
      case BRACE_CLOSE:
      case BRACKET_CLOSE:
        closeContainer(scan);
        at += 1;
        break;
      default:
        tokens += 1;
        if (tokens > limits.tokensMax) return "tokens";
        if ((unit === BRACE_OPEN || unit === BRACKET_OPEN) && scan.depth >= limits.depthMax) {
          return "depth";
        }
        at = passToken(scan, unit, at);
    }
  }
  return null;
};

/**
 * Finds in a JSON text, before `JSON.parse` sees it, what `JSON.parse` would silently accept, round
 * or drop; one look at each character, no recursion, never an exception.
 *
 * Size. Tokens are values and member names. At the first token past `tokensMax`, or container at
 * more than `depthMax` levels, the scan stops with `too_large`.
 *
 * Violations, in the order of the text; on one member name in the order listed here:
 * - `lone_surrogate`, `nul_character`: half a surrogate pair, or U+0000, raw or escaped, in a value
 *   or a name; whichever comes first in the string;
 * - `forbidden_member`: a member called `__proto__` or `constructor`;
 * - `duplicate_member`: a member whose name, unescaped, its object already has;
 * - `number_precision`: a number that a double alters ({@link survivesDouble});
 * - `too_deep`: a container whose pointer has p tokens with
 *   `p - (groupDepth + 1) >= nestedDepthMax`. With groups such as `/changes/3` (`groupDepth` 2) an
 *   object at `/changes/3/value` (p = 3) is level 1 of its value, and level `nestedDepthMax` is the
 *   last that passes; the rule looks at p alone, so it holds for every other member of the text too.
 *
 * Groups. The first `groupDepth` tokens of a violation's pointer are its group (all of a shorter
 * one); of each group only the first violation is reported, so that no bad record hides another.
 * What comes after the first `violationsMax` groups that have any is not reported: the caller sets
 * it above the number of records that it allows, with some to spare for violations outside them.
 *
 * For every text that `JSON.parse` accepts the answer is exact. Any other text is not judged (it
 * may answer anything, in linear time): the caller goes on to `JSON.parse`, which refuses it.
 */
export const scanJson = (text: string, limits: JsonScanLimits): JsonScan => {
  const outermost = createOutermost();
  const log = createViolationLog(limits.violationsMax, limits.groupDepth);
  const limit = scanTokens({
    text,
    limits,
    log,
    outermost,
    container: outermost,
    depth: 0,
    isNameNext: false,
    backslashAt: -1,
    isWellFormed: text.isWellFormed(),
  });
  return limit === null
    ? { kind: "scanned", violations: log.violations }
    : { kind: "too_large", limit };
};
