import { createMemberNames, forgetNames, type MemberNames } from "./member-names.ts";
import { stringLiteralValue } from "./string-literal.ts";

/**
 * An object or array that a scan is inside of, and where in it the scan stands. One is made a level
 * and reused for each container that opens there: a place costs no allocation, and becomes a
 * pointer only if something is wrong at it.
 */
export type OpenContainer = {
  /** The container around this one; null for the outermost, which stands for the text itself. */
  readonly parent: OpenContainer | null;
  /** The one made for the level below, open or not. */
  child: OpenContainer | null;
  /** The current element's index in an array; `IN_OBJECT` in an object. */
  index: number;
  /** The content of the current member's name literal in an object. */
  nameStart: number;
  nameEnd: number;
  /** In an object, the names seen; null if no object was open at this level yet. */
  names: MemberNames | null;
};

const IN_OBJECT = -1;

const createLevel = (parent: OpenContainer | null): OpenContainer => ({
  parent,
  child: null,
  index: 0,
  nameStart: 0,
  nameEnd: 0,
  names: null,
});

/** The text itself, as the container of the root value. */
export const createOutermost = (): OpenContainer => createLevel(null);

export const isObject = (container: OpenContainer): boolean => container.index === IN_OBJECT;

const openLevel = (parent: OpenContainer): OpenContainer => {
  parent.child ??= createLevel(parent);
  return parent.child;
};

export const openArray = (parent: OpenContainer): OpenContainer => {
  const level = openLevel(parent);
  level.index = 0;
  return level;
};

export const openObject = (parent: OpenContainer): OpenContainer => {
  const level = openLevel(parent);
  level.index = IN_OBJECT;
  if (level.names === null) level.names = createMemberNames();
  else forgetNames(level.names);
  return level;
};

/** The current element's index or member's name, unescaped. */
export const currentToken = (text: string, container: OpenContainer): string =>
  isObject(container)
    ? stringLiteralValue(text, container.nameStart, container.nameEnd)
    : String(container.index);
