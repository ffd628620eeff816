import { parseArgs } from "node:util";
import { nameHint } from "./closest-name.ts";
import { StartError } from "./start-error.ts";

/** The exit code of a command line that can't be understood. */
export const USAGE_EXIT_CODE = 2;

/** @throws StartError with the exit code of a command line that can't be understood. */
export const refuseUsage = (line: string): never => {
  throw new StartError(line, USAGE_EXIT_CODE);
};

/** A flag of a command. */
export type Flag = {
  /** What stands for its value in help; null: a switch, which has none. */
  readonly value: string | null;
  /** The variable that it wins over; null: there is none. */
  readonly variable: string | null;
  readonly help: string;
  /** Given several times it adds up; in its variable commas part the values. */
  readonly isRepeatable?: true;
};

export type FlagTable = { readonly [name: string]: Flag };

/** An argument that is known by its place. Only the last may be optional. */
export type Operand = { readonly name: string; readonly help: string; readonly isOptional?: true };

/** A text and where it was given, so that a refusal names the place to change. */
export type Given = { readonly text: string; readonly place: string };

export type Environment = { readonly [name: string]: string | undefined };

/** A command line that has been taken apart; the values are their readers' to judge. */
export type Arguments<Name extends string> = {
  /** As many as the command asks for, the optional one perhaps missing. */
  readonly operands: readonly string[];
  /** What was given for a flag: on the command line, else in its variable (an empty one is none). */
  readonly values: (flag: Name) => readonly Given[];
  /** The value of a flag that is not repeatable; undefined where none was given. */
  readonly value: (flag: Name) => Given | undefined;
  /** Whether a switch is on. */
  readonly isOn: (flag: Name) => boolean;
};

export type ArgumentSpec = {
  /** The command's name, which refusals point to: `synchro NAME --help`. */
  readonly name: string;
  readonly flags: FlagTable;
  readonly operands: readonly Operand[];
};

type GivenByFlag = ReadonlyMap<string, readonly Given[]>;

type Token = {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
};

/** A flag whose value was forgotten must not take the next flag for it; `-` and `-1` are values. */
const isForgotten = ({ value, inlineValue }: Token): boolean =>
  value === undefined || (inlineValue === false && /^-[^\d]/.test(value));

const readToken = (spec: ArgumentSpec, given: GivenByFlag, token: Token): Given => {
  const flag = Object.hasOwn(spec.flags, token.name) ? spec.flags[token.name] : undefined;
  if (flag === undefined) {
    const known = Object.keys(spec.flags).map((name) => `--${name}`);
    const hint = known.length === 0 ? "it takes none" : nameHint(token.rawName, known);
    return refuseUsage(`${token.rawName} is not a flag of ${spec.name}: ${hint}`);
  }
  const place = `--${token.name}`;
  if (flag.value === null && token.value !== undefined) refuseUsage(`${place} takes no value`);
  if (flag.value !== null && isForgotten(token)) {
    refuseUsage(`${place} needs a value: ${place} ${flag.value}`);
  }
  if (given.has(token.name) && flag.isRepeatable !== true) refuseUsage(`${place} is given twice`);
  return { text: token.value ?? "", place };
};

const checkOperands = (spec: ArgumentSpec, operands: readonly string[]): void => {
  const tooMany = operands[spec.operands.length];
  const help = `see synchro ${spec.name} --help`;
  if (tooMany !== undefined) refuseUsage(`${tooMany} is not expected here: ${help}`);
  const missing = spec.operands[operands.length];
  if (missing === undefined || missing.isOptional === true) return;
  refuseUsage(`${missing.name} is missing (${missing.help}): ${help}`);
};

const fromEnvironment = (flag: Flag | undefined, environment: Environment): readonly Given[] => {
  if (flag === undefined || flag.variable === null) return [];
  const text = environment[flag.variable] ?? "";
  if (text === "") return [];
  const place = flag.variable;
  const texts = flag.isRepeatable === true ? text.split(",").map((part) => part.trim()) : [text];
  return texts.map((part) => ({ text: part, place }));
};

const isSwitchOn = (given: Given | undefined): boolean => {
  if (given === undefined) return false;
  if (given.place.startsWith("--") || given.text === "1" || given.text === "true") return true;
  if (given.text === "0" || given.text === "false") return false;
  return refuseUsage(`${given.place} must be true or false, not ${JSON.stringify(given.text)}`);
};

/**
 * Takes a command line apart. Flags win over their variables; everything after `--` is an operand,
 * and so is `-`. A value that begins like a flag is given behind an equals sign: `--file=-x`.
 *
 * @throws StartError (exit code 2) in one line, naming the flag or the operand and the rule.
 */
export const parseArguments = <Name extends string>(
  spec: ArgumentSpec & { readonly flags: { readonly [name in Name]: Flag } },
  args: readonly string[],
  environment: Environment,
): Arguments<Name> => {
  const options = Object.fromEntries(
    Object.entries(spec.flags).map(([name, flag]) => {
      const type = flag.value === null ? ("boolean" as const) : ("string" as const);
      return [name, { type, multiple: true }] as const;
    }),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Map<string, readonly Given[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    given.set(token.name, [...(given.get(token.name) ?? []), readToken(spec, given, token)]);
  }
  checkOperands(spec, operands);
  const values = (flag: Name): readonly Given[] =>
    given.get(flag) ?? fromEnvironment(spec.flags[flag], environment);
  return {
    operands,
    values,
    value: (flag) => values(flag)[0],
    isOn: (flag) => isSwitchOn(values(flag)[0]),
  };
};
