import { defaultLimits, type Limits } from "@synchro/protocol";
import { nameHint } from "./closest-name.ts";
import { StartError } from "./start-error.ts";

/** Timers and buffers take no more. */
const LIMIT_MAX = 2 ** 31 - 1;

/** Nesting is walked by recursion in places: a limit on it keeps the stack far away. */
const DEPTH_MAX = 1_000;

/** Who is shut out is heard of within 10 seconds: 5 until a server knows, and these. */
const AUTHORIZE_MS_MAX = 5_000;

const greatestOf = (name: keyof Limits): number => {
  if (name === "streamAuthorizeMs") return AUTHORIZE_MS_MAX;
  return name.endsWith("DepthMax") ? DEPTH_MAX : LIMIT_MAX;
};

const isLimitName = (name: string): name is keyof Limits => Object.hasOwn(defaultLimits, name);

/** The first limit of each pair may not pass the second. */
const ordered: readonly (readonly [keyof Limits, keyof Limits])[] = [
  ["headersMs", "requestMs"],
  ["pageRecordsDefault", "pageRecordsMax"],
  ["valueBytesMax", "bodyBytesMax"],
  ["valueDepthMax", "bodyDepthMax"],
];

const readLimit = (name: keyof Limits, value: unknown): number => {
  const max = greatestOf(name);
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) {
    return value;
  }
  throw new StartError(`limits.${name} must be a whole number from 1 to ${max}`);
};

/**
 * Checks limits that a configuration sets, and that they agree with each other and the defaults.
 *
 * @throws StartError naming the limit and the rule.
 */
export const readLimits = (fields: { readonly [name: string]: unknown }): Limits => {
  const limits: { -readonly [name in keyof Limits]: number } = { ...defaultLimits };
  for (const [name, value] of Object.entries(fields)) {
    if (!isLimitName(name)) {
      const hint = nameHint(name, Object.keys(defaultLimits));
      throw new StartError(`limits.${name} is not a limit: ${hint}`);
    }
    limits[name] = readLimit(name, value);
  }
  for (const [smaller, greater] of ordered) {
    if (limits[smaller] <= limits[greater]) continue;
    throw new StartError(
      `limits.${smaller} (${limits[smaller]}) must be at most limits.${greater} (${limits[greater]})`,
    );
  }
  return limits;
};
