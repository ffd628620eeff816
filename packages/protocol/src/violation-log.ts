import { currentToken, isObject, type OpenContainer } from "./open-container.ts";

export type JsonViolationRule =
  | "duplicate_member"
  | "number_precision"
  | "lone_surrogate"
  | "nul_character"
  | "forbidden_member"
  | "too_deep";

/**
 * One broken data rule. `path` is an RFC 6901 pointer to the value, or for a name to the member;
 * two things keep it fit to store and to send, whatever the body holds. Half a surrogate pair and
 * U+0000 read U+FFFD in it, and where it would pass {@link VIOLATION_PATH_LENGTH_MAX} it names the
 * innermost container around the place whose pointer does not.
 */
export type JsonViolation = { readonly rule: JsonViolationRule; readonly path: string };

/**
 * UTF-16 units in a violation's path. A name of a mebibyte with a bad record in each of thousands of
 * elements below it would otherwise be copied thousands of times.
 */
export const VIOLATION_PATH_LENGTH_MAX = 1_024;

/** The longest escape of a unit in a JSON string, `\u0061`. */
const ESCAPE_LENGTH_MAX = 6;

/** A node of the tree of pointers down to the groups that have a violation. */
type Group = { isReported: boolean; readonly below: Map<string, Group> };

/** The violations of one text: one a group at most, and no more than `violationsMax`. */
export type ViolationLog = {
  readonly violations: JsonViolation[];
  readonly violationsMax: number;
  /** The pointer tokens that name a group. */
  readonly groupDepth: number;
  readonly root: Group;
  /**
   * The way to the current group as far as it has been looked up: the node of the current member
   * of each open container from the outside in. Cut by {@link leaveGroup}.
   */
  readonly trail: Group[];
};

export const createViolationLog = (violationsMax: number, groupDepth: number): ViolationLog => ({
  violations: [],
  violationsMax,
  groupDepth,
  root: { isReported: false, below: new Map() },
  trail: [],
});

/**
 * To be called when a container that has `depth` others around it goes on to its next member: what
 * the trail says from there on is over. The trail is there so that each name and index on the way
 * to a group is looked up once a visit, and not once a violation.
 */
export const leaveGroup = (log: ViolationLog, depth: number): void => {
  if (log.trail.length > depth) log.trail.length = depth;
};

const pointerToken = (token: string): string =>
  token.toWellFormed().replaceAll("\0", "\uFFFD").replaceAll("~", "~0").replaceAll("/", "~1");

/** The pointer to the current place, as {@link JsonViolation} has it. */
const currentPath = (text: string, outermost: OpenContainer, depth: number): string => {
  let path = "";
  let level = outermost.child;
  for (let open = 0; open < depth && level !== null; open += 1) {
    // Too long even if it were all escapes: not worth reading, perhaps thousands of times.
    const lengthMin = isObject(level) ? (level.nameEnd - level.nameStart) / ESCAPE_LENGTH_MAX : 1;
    if (lengthMin > VIOLATION_PATH_LENGTH_MAX) break;
    const token = `/${pointerToken(currentToken(text, level))}`;
    if (path.length + token.length > VIOLATION_PATH_LENGTH_MAX) break;
    path += token;
    level = level.child;
  }
  return path;
};

/** The group of the current place: the first `groupDepth` containers' current members, or all. */
const currentGroup = (
  log: ViolationLog,
  text: string,
  outermost: OpenContainer,
  depth: number,
): Group => {
  let group = log.root;
  let level = outermost.child;
  for (let open = 0; open < Math.min(depth, log.groupDepth) && level !== null; open += 1) {
    let next = log.trail[open];
    if (next === undefined) {
      const token = currentToken(text, level);
      next = group.below.get(token) ?? { isReported: false, below: new Map() };
      group.below.set(token, next);
      log.trail.push(next);
    }
    group = next;
    level = level.child;
  }
  return group;
};

/**
 * Notes that the value or member at the current place breaks `rule`: the current members of the
 * `depth` containers open inside `outermost`. Not noted if its group has a violation already, or
 * the log is full.
 */
export const logViolation = (
  log: ViolationLog,
  rule: JsonViolationRule,
  text: string,
  outermost: OpenContainer,
  depth: number,
): void => {
  if (log.violations.length >= log.violationsMax) return;
  const group = currentGroup(log, text, outermost, depth);
  if (group.isReported) return;
  group.isReported = true;
  log.violations.push({ rule, path: currentPath(text, outermost, depth) });
};
