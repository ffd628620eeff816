/** Up to here names are compared one by one, which for an ordinary object beats building a set. */
const LISTED_MAX = 8;

/**
 * The member names that one JSON object has shown so far. Names are ranges of the text scanned, so
 * that an ordinary object costs no string. Reused from object to object by {@link forgetNames}.
 */
export type MemberNames = {
  /** Begin and end of each name in turn, while there are few and none has an escape in it. */
  readonly ranges: Int32Array;
  listed: number;
  /** All names, unescaped, from the first escape or the ninth name on; null before that. */
  values: Set<string> | null;
};

export const createMemberNames = (): MemberNames => ({
  ranges: new Int32Array(2 * LISTED_MAX),
  listed: 0,
  values: null,
});

export const forgetNames = (names: MemberNames): void => {
  names.listed = 0;
  names.values = null;
};

const isSameText = (text: string, left: number, right: number, length: number): boolean => {
  for (let offset = 0; offset < length; offset += 1) {
    if (text.charCodeAt(left + offset) !== text.charCodeAt(right + offset)) return false;
  }
  return true;
};

const isListed = (names: MemberNames, text: string, start: number, end: number): boolean => {
  const { ranges } = names;
  const length = end - start;
  for (let at = 0; at < 2 * names.listed; at += 2) {
    const begin = ranges[at] as number;
    if ((ranges[at + 1] as number) - begin !== length) continue;
    if (isSameText(text, begin, start, length)) return true;
  }
  return false;
};

const listedValues = (names: MemberNames, text: string): Set<string> => {
  const values = new Set<string>();
  for (let at = 0; at < 2 * names.listed; at += 2) {
    values.add(text.slice(names.ranges[at], names.ranges[at + 1]));
  }
  return values;
};

/**
 * Notes the name whose literal's content is `text` from `start` to `end`, and says whether the
 * object had it already. `value` is the name unescaped, or null if nothing in it is escaped: `a` and
 * `\u0061` are one name. A name costs its own length, however many came before it.
 */
export const isRepeatedName = (
  names: MemberNames,
  text: string,
  start: number,
  end: number,
  value: string | null,
): boolean => {
  if (names.values === null) {
    if (value === null) {
      if (isListed(names, text, start, end)) return true;
      if (names.listed < LISTED_MAX) {
        names.ranges[2 * names.listed] = start;
        names.ranges[2 * names.listed + 1] = end;
        names.listed += 1;
        return false;
      }
    }
    names.values = listedValues(names, text);
  }
  const { values } = names;
  const countBefore = values.size;
  values.add(value ?? text.slice(start, end));
  return values.size === countBefore;
};
