/**
 * What a contract suite takes of vitest, for a page: the suite is bundled with this in its place, and
 * the test outside runs one of its tests after the other in a real browser. It has the matchers that
 * the suite uses and no more: another one fails as the function that it is not.
 */
type Body = () => unknown;
type Case = { readonly title: string; readonly run: () => Promise<void> };
type Group = {
  readonly title: string;
  readonly before: readonly Body[];
  readonly after: readonly Body[];
};

const cases: Case[] = [];
let groups: readonly Group[] = [];

const inGroup = (change: (group: Group) => Group): void => {
  const group = groups.at(-1);
  if (group === undefined) throw new Error("a hook outside of describe");
  groups = [...groups.slice(0, -1), change(group)];
};

export const describe = (title: string, body: () => void): void => {
  const around = groups;
  groups = [...around, { title, before: [], after: [] }];
  body();
  groups = around;
};

export const beforeEach = (body: Body): void =>
  inGroup((group) => ({ ...group, before: [...group.before, body] }));

export const afterEach = (body: Body): void =>
  inGroup((group) => ({ ...group, after: [...group.after, body] }));

const addCase = (title: string, body: Body): void => {
  const around = groups;
  cases.push({
    title: [...around.map((group) => group.title), title].join(" > "),
    run: async () => {
      for (const { before } of around) for (const hook of before) await hook();
      try {
        await body();
      } finally {
        for (const { after } of around.toReversed()) for (const hook of after) await hook();
      }
    },
  });
};

export const test = Object.assign(addCase, {
  each:
    (rows: readonly unknown[]) =>
    (title: string, body: (...row: readonly unknown[]) => unknown): void => {
      for (const row of rows) {
        const values: readonly unknown[] = Array.isArray(row) ? row : [row];
        addCase(
          title.replace(/%s/, () => String(values[0])),
          () => body(...values),
        );
      }
    },
});

type Members = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is Members => typeof value === "object" && value !== null;

const namesOf = (value: Members): readonly string[] =>
  Object.keys(value).filter((name) => value[name] !== undefined);

const isEqual = (a: unknown, b: unknown): boolean => {
  if (!isObject(a) || !isObject(b)) return Object.is(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Object.prototype.toString.call(a) !== Object.prototype.toString.call(b)) return false;
  if (a instanceof Map || a instanceof Set) throw new Error("maps and sets are not compared here");
  const names = namesOf(a);
  return (
    names.length === namesOf(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  );
};

const matches = (value: unknown, expected: unknown): boolean => {
  if (!isObject(expected) || Array.isArray(expected)) return isEqual(value, expected);
  return (
    isObject(value) && Object.keys(expected).every((name) => matches(value[name], expected[name]))
  );
};

const shown = (value: unknown): string => {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return (JSON.stringify(value) ?? String(value)).slice(0, 500);
};

type Matchers = {
  readonly toBe: (expected: unknown) => void;
  readonly toEqual: (expected: unknown) => void;
  readonly toMatchObject: (expected: unknown) => void;
  readonly toHaveLength: (expected: number) => void;
  readonly toBeNull: () => void;
};

const matchersOf = (value: unknown, wanted: boolean): Matchers => {
  const check = (is: boolean, name: string, expected: unknown): void => {
    if (is === wanted) return;
    throw new Error(`${shown(value)} ${wanted ? "" : "not "}${name} ${shown(expected)}`);
  };
  return {
    toBe: (expected) => check(Object.is(value, expected), "toBe", expected),
    toEqual: (expected) => check(isEqual(value, expected), "toEqual", expected),
    toMatchObject: (expected) => check(matches(value, expected), "toMatchObject", expected),
    toHaveLength: (expected) => {
      const { length } = value as { readonly length: unknown };
      check(length === expected, "toHaveLength", expected);
    },
    toBeNull: () => check(value === null, "toBeNull", null),
  };
};

type ErrorKind = abstract new (...parts: never) => Error;

const isThrown = (error: unknown, expected: string | RegExp | ErrorKind | undefined): boolean => {
  if (!(error instanceof Error)) return false;
  if (expected === undefined) return true;
  if (typeof expected === "string") return error.message.includes(expected);
  return expected instanceof RegExp ? expected.test(error.message) : error instanceof expected;
};

const rejectionOf = async (work: Promise<unknown>): Promise<unknown> => {
  let result: unknown;
  try {
    result = await work;
  } catch (error) {
    return error;
  }
  throw new Error(`it resolved, with ${shown(result)}`);
};

export const expect = (value: unknown) => ({
  ...matchersOf(value, true),
  not: matchersOf(value, false),
  rejects: {
    toMatchObject: async (expected: unknown): Promise<void> =>
      matchersOf(await rejectionOf(value as Promise<unknown>), true).toMatchObject(expected),
    toThrow: async (expected?: string | RegExp | ErrorKind): Promise<void> => {
      const error = await rejectionOf(value as Promise<unknown>);
      if (!isThrown(error, expected)) throw new Error(`${shown(error)} is not ${String(expected)}`);
    },
  },
});

/** What the test outside asks for: every case, by its whole title, and what one comes to. */
export const suite = {
  titles: (): readonly string[] => cases.map(({ title }) => title),
  /** Null: it passed. */
  run: async (title: string): Promise<string | null> => {
    const found = cases.filter((each) => each.title === title);
    if (found.length !== 1) return `${found.length} cases of that title`;
    try {
      await found[0]?.run();
      return null;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  },
};
